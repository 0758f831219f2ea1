SELECT up(1), up(2), calls()
