CREATE TABLE form (a integer DEFAULT 1, b text DEFAULT 'x''y', c timestamptz DEFAULT now(), d text[] DEFAULT '{}', e integer);
