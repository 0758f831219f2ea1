SELECT who, total FROM named
