CREATE TABLE member (who name PRIMARY KEY, team integer, old text);
CREATE TABLE doc (id integer PRIMARY KEY, team integer);
CREATE FUNCTION mine(t integer) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT EXISTS (SELECT FROM member WHERE who = current_user AND team = t)';
ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
ALTER TABLE doc FORCE ROW LEVEL SECURITY;
CREATE POLICY read ON doc FOR SELECT TO reader, writer USING (mine(team));
CREATE POLICY write ON doc FOR INSERT TO writer WITH CHECK (team IN (SELECT team FROM member WHERE who = current_user AND old IS NULL));
