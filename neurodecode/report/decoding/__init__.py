"""The report on what was decoded: figures of each session, tables and answers of the page."""
