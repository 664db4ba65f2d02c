"""The page of `fastnet play`, and its server on this computer.

- `page/`: what the browser shows: HTML, CSS and JavaScript, as they are written.
- `_server`: the address on this computer, and a thread for each request.
- `_guard`: which requests are answered.
- `_application`: what each address of the page does.
- `_sessions`: one session for each tab.
- `_session`: the network of a tab: what it reads, why, and how it learns.
- `_drawing`: what is drawn, as the network sees it.
"""
