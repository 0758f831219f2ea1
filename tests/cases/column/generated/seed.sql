INSERT INTO box (w, h, label) VALUES (2, 3, 'small'), (20, 30, 'big');
