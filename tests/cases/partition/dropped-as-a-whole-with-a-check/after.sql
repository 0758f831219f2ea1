CREATE TABLE other (c integer);
