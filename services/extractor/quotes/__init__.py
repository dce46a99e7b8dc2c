"""Quotations: who said what in an article, in sixteen languages. `find` says in which order.

`view` reads a field into words and sentences; `marks` finds what stands between quotation marks and `dialogue` what
stands behind dashes or in an interview; `speech` says what of it is speech and in which form. `cast` is everybody
(`actors`) who can have said it, with those who `held` an office (`offices`) and `strangers`. `attribute` weighs the
`evidence` around words in marks; `headline` reads "Name: statement"; `clauses` and `indirect` read what is only told.
The words of a language are in its data file, under `reporting`, `that`, `according` and `quoting`.

The speaker is who stands beside in a form that can be a subject (Vučića and Kurtin never spoke) and behind no
preposition. A verb of saying makes that surer; without one marks, a colon or a word for "that" are enough, since no
list of verbs is complete. Nobody is an answer, too.

Left out on purpose: a parser or a model of any language, speech that nothing shows (free indirect speech), and telling
two people of one office apart beyond the dated list.
"""
