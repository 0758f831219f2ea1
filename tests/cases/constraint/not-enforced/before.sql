CREATE TABLE customer (id bigint PRIMARY KEY);
CREATE TABLE purchase (
    id bigint PRIMARY KEY, customer bigint, amount numeric, discount numeric,
    CONSTRAINT of_a_customer FOREIGN KEY (customer) REFERENCES customer,
    CONSTRAINT positive CHECK (amount > 0) NOT ENFORCED,
    CONSTRAINT less CHECK (discount < amount)
);
