CREATE TABLE item (id integer, amount integer DEFAULT 5 CHECK (amount >= 0), state text DEFAULT 'new');
