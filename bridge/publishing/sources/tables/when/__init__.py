"""How columns and cells tell when something was observed."""
