CREATE TABLE doc (id integer, owner text);
CREATE FUNCTION may(text) RETURNS boolean LANGUAGE sql STABLE RETURN $1 = current_user;
CREATE POLICY p ON doc FOR SELECT USING (may(owner));
