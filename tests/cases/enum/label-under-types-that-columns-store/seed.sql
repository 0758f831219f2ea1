INSERT INTO stock VALUES (1, 'g', 'g', ROW(2.5, 'kg'), ARRAY[ROW(ARRAY[ROW(1, 'g')::amount], ROW(0, 'kg'))::crate], '{g,kg}');
