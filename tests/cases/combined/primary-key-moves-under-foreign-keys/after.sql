CREATE TABLE account (id integer NOT NULL, code text NOT NULL, CONSTRAINT account_pkey PRIMARY KEY (code), CONSTRAINT account_id_key UNIQUE (id));
CREATE TABLE entry (account_id integer NOT NULL CONSTRAINT entry_account_fkey REFERENCES account (id) ON DELETE CASCADE, amount integer);
