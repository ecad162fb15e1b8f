"""The shipped strategy files read anew, in plain Python: what each says with a bar. Bars and numbers in, words out."""
