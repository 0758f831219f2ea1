CREATE FUNCTION tax(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN amount / 5;
CREATE TABLE bill (id integer PRIMARY KEY, net numeric, tax numeric DEFAULT tax(100), CONSTRAINT taxed CHECK (tax(net) >= 0));
CREATE INDEX bill_tax ON bill (tax(net));
CREATE VIEW totals AS SELECT id, net + tax(net) AS total FROM bill;
CREATE POLICY small ON bill USING (tax(net) < 1000);
CREATE TRIGGER t BEFORE UPDATE ON bill FOR EACH ROW WHEN (tax(NEW.net) > 7) EXECUTE FUNCTION suppress_redundant_updates_trigger();
