from podlab.console.sessions import Sessions


def test_a_link_opens_one_session_and_the_next_one_is_told() -> None:
    told: list[str] = []
    sessions = Sessions(told.append)
    first = sessions.offer()
    session = sessions.begin(first)
    assert session is not None
    assert sessions.holds(session)
    assert sessions.begin(first) is None
    assert told[0] == first
    assert len(told) == 2
    assert sessions.begin(told[1]) is not None


def test_nobody_gets_in_before_a_link_was_offered_or_with_another_one() -> None:
    sessions = Sessions(lambda token: None)
    assert sessions.begin("") is None
    sessions.offer()
    assert sessions.begin("guessed") is None
    assert sessions.begin("ü") is None
    assert not sessions.holds("")


def test_sessions_are_bounded_the_oldest_ends_first() -> None:
    sessions = Sessions(lambda token: None)
    opened = [sessions.begin(sessions.offer()) for _ in range(70)]
    held = [session for session in opened if session is not None and sessions.holds(session)]
    assert held == opened[-64:]
