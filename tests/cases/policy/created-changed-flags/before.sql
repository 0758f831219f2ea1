CREATE TABLE doc (id integer, owner text, public boolean);
CREATE TABLE open_doc (id integer);
ALTER TABLE open_doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON doc FOR SELECT TO reader USING (owner = current_user);
