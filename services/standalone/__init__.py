"""All services in one process on the embedded log, and the demo that plays a news world to them.

    app.py       every service built over one set of parts
    demo.py      the demo from start to summary
    world.py     the demo's articles and outlets, as data
    site.py      the local web site that serves them, as of the story clock
    play.py      the story clock's driver: step, wait for the pipeline, keep the pace
    show.py      what a person sees on the terminal
    expect.py    whether everything expected arrived and nothing forbidden did

Left out on purpose: any shortcut past the services. The demo's pages go through the same feeds, worker processes, log,
database and signed webhooks as everything else.
"""
