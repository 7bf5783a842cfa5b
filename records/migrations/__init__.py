"""The history of the tables. Applied by `Database.migrate()`."""
