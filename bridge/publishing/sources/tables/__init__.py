"""Files of measurements as datums: photometry, a spectrum, positions.

Reading, units and times are astropy's; what columns mean is decided here, by one rule: what bears on the meaning of a
value is understood, or the file is refused with what to do. A file goes through three steps: :mod:`reading` makes a
:class:`~bridge.publishing.sources.tables.table.Table` of text cells of it; a survey that is recognised by its exact
signature (:mod:`surveys`), else the general rules (:mod:`meaning`), say what each column is; rows become datums.
"""
