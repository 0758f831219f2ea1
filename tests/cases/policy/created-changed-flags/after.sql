CREATE TABLE doc (id integer, owner text, public boolean);
CREATE TABLE open_doc (id integer);
ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
ALTER TABLE doc FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON doc FOR SELECT TO reader, writer USING (owner = current_user OR public);
CREATE POLICY write ON doc AS RESTRICTIVE FOR INSERT TO writer WITH CHECK (NOT public);
CREATE POLICY all_of_it ON doc TO "Auditor ""1""" USING (true) WITH CHECK (false);
COMMENT ON POLICY mine ON doc IS 'own rows';
