CREATE TABLE item (id integer, amount numeric DEFAULT 5.5 CHECK (amount >= 0), state varchar(20) DEFAULT 'new');
