CREATE TABLE form (a integer DEFAULT 2, b text, c timestamptz DEFAULT clock_timestamp() - interval '1 day', d text[] DEFAULT ARRAY['a', 'b'], e integer DEFAULT 1 + 2);
