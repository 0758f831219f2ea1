CREATE TABLE member (who name PRIMARY KEY, team bigint);
CREATE TABLE doc (id integer PRIMARY KEY, team bigint);
CREATE FUNCTION mine(t bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT EXISTS (SELECT FROM member WHERE who = current_user AND team = t)';
ALTER TABLE doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON doc FOR SELECT TO "Auditor ""1""", reader USING (mine(team));
CREATE POLICY write ON doc FOR ALL TO writer USING (true) WITH CHECK (team IN (SELECT team FROM member WHERE who = current_user));
