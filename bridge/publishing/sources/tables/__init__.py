"""Files of measurements as datums: photometry, a spectrum, positions.

Reading, units and times are astropy's; what columns mean is decided here, by one rule: what bears on the meaning of a
value is understood, or the file is refused with what to do. A file goes through three steps: :mod:`files` makes a table
of text cells of it; a survey that is recognised by its exact signature (:mod:`surveys`), else the general rules
(:mod:`roles`, and :mod:`brightness` or :mod:`spectra`), say what each column is; rows become datums. What people say of
values in words is judged by :mod:`texts`; :mod:`when` reads times; all stand on :mod:`elements`.
"""
