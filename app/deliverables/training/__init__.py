"""The report of a comparison of trainings: page, figures and tables, all from its record (``outcomes.summarise``)."""
