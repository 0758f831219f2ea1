CREATE TABLE doc (id integer, owner text);
CREATE FUNCTION may(text, integer DEFAULT 0) RETURNS boolean LANGUAGE sql STABLE RETURN $1 = current_user OR $2 > 0;
CREATE POLICY p ON doc FOR UPDATE USING (may(owner)) WITH CHECK (may(owner, 1));
