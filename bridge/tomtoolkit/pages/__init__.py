"""The pages: each module is one of them. They only show what the operations tell, and ask for what a person wants."""
