"""`make demo`: three real TOMs share with each other, and what each then holds is read back and checked."""
