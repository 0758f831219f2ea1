CREATE TABLE t (id int PRIMARY KEY, c text /* @renamed from=a online */, d text /* @renamed from=b online */);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER on_a BEFORE UPDATE OF c ON t FOR EACH ROW WHEN (NEW.d <> '') EXECUTE FUNCTION f();
