"""What tables are made of, and the words in them: below all that finds out what they mean."""
