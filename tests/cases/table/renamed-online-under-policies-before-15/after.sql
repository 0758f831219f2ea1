CREATE TABLE b (id integer PRIMARY KEY, who name); -- @renamed from=a online
ALTER TABLE b ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON b USING (who = current_user);
