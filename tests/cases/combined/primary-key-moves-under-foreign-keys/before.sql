CREATE TABLE account (id integer, code text NOT NULL, CONSTRAINT account_pkey PRIMARY KEY (id));
CREATE TABLE entry (account_id integer NOT NULL CONSTRAINT entry_account_fkey REFERENCES account (id) ON DELETE CASCADE, amount integer);
