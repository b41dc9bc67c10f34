"""The rules of the room for one episode, written a second time and as plainly as possible, to test the arrays against."""

from __future__ import annotations

import re

from gym_causal.odd_one_out.features import ATTRIBUTES, VALUES

MOVES = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]  # clockwise from north


class Room:
    """One episode, from its drawn record."""

    def __init__(self, record, config):
        self.record, self.config, self.trial = record, config, 0
        self.rewarded = int(record["rewarded"])
        self.touch = None  # (objects as they were, the touched one, whether it paid); shown while the board stays
        self.possible = {0, 1, 2}
        self.last_reward = 0.0
        self.begin_trial()

    def begin_trial(self):
        record, trial = self.record, self.trial
        self.agent = divmod(int(record["agent"][trial]), 11)
        self.cells = [divmod(int(cell), 11) for cell in record["cells"][trial]]
        self.two_values = record["values"][trial].tolist()
        patterns = record["patterns"][trial].tolist()
        self.objects = [[self.two_values[a][patterns[a] >> i & 1] for a in range(4)] for i in range(4)]
        self.transforms = self.config.transforms[trial]
        self.steps, self.feedback, self.touched = 0, 0, None

    @property
    def over(self):
        return self.trial == self.config.trials

    def adjacent(self):
        """The first adjacent object clockwise from north, or None."""
        for down, right in MOVES:
            place = (self.agent[0] + down, self.agent[1] + right)
            if place in self.cells:
                return self.cells.index(place)
        return None

    def odd_in(self, number):
        """The attributes in which an object is unlike all others."""
        others = [other for i, other in enumerate(self.objects) if i != number]
        return {a for a in range(4) if all(other[a] != self.objects[number][a] for other in others)}

    def legal(self, action):
        return action < 8 or (self.feedback == 0 and not self.over and self.transforms > 0 and self.adjacent() is not None)

    def step(self, action):
        """Reward, terminated, truncated."""
        result = self.step_without_noting(action)
        self.last_reward = result[0]
        return result

    def step_without_noting(self, action):
        if self.config.feedback_steps == 0:
            self.touch = None
        if self.feedback:
            self.feedback -= 1
            return 0.0, self.feedback == 0 and self.next_trial(), False
        self.steps += 1
        if action >= 8:
            if self.legal(action):
                self.transforms -= 1
                changed, attribute = self.objects[self.adjacent()], action - 8
                first, second = self.two_values[attribute]
                changed[attribute] = second if changed[attribute] == first else first
        else:
            down, right = MOVES[action]
            place = (self.agent[0] + down, self.agent[1] + right)
            if 1 <= place[0] <= 9 and 1 <= place[1] <= 9:
                self.agent = place
            if self.agent in self.cells:
                return self.touch_object()
        if self.steps >= self.config.max_trial_steps:
            return 0.0, False, self.next_trial()
        return 0.0, False, False

    def touch_object(self):
        self.touched = self.cells.index(self.agent)
        odd = self.odd_in(self.touched)
        correct = self.rewarded in odd
        self.touch = ([list(values) for values in self.objects], self.touched, correct)
        self.possible &= odd if correct else {0, 1, 2} - odd
        reward = self.config.trial_rewards[self.trial] if correct else 0.0
        self.feedback = self.config.feedback_steps
        return reward, self.feedback == 0 and self.next_trial(), False

    def next_trial(self):
        """Whether there is none."""
        self.trial += 1
        if self.over:
            self.transforms = 0
            return True
        if self.config.feedback_steps:
            self.touch = None
        self.begin_trial()
        return False

    def grid(self):
        """The symbolic view, (11, 11, 4) nested lists."""
        return [[self.seen_at(self.agent[0] + r - 5, self.agent[1] + c - 5) for c in range(11)] for r in range(11)]

    def seen_at(self, row, column):
        if (row, column) == self.agent:
            return [3, 0, 0, 0]
        if (row, column) in self.cells:
            return [2, *(value + 1 for value in self.objects[self.cells.index((row, column))][:3])]
        wall = 0 <= row <= 10 and 0 <= column <= 10 and (row in (0, 10) or column in (0, 10))
        return [int(wall), 0, 0, 0]


def attribute_of(word):
    """(attribute, value) of a word, singular or plural, with or without an article."""
    word = re.sub(r"^an? ", "", word)
    for attribute, values in enumerate(VALUES):
        for value, name in enumerate(values):
            if word in (name, name + "s", name + "es"):
                return attribute, value
    raise AssertionError(f"no value is called {word!r}")


def check_text(text, room, kind):
    """Assert that an explanation is true of the room, reading nothing but its words."""
    if kind == "properties":
        description = re.fullmatch(r"Next to you is an? (.*)\.", text)[1]
        values = room.objects[room.adjacent()]
        attributes = room.config.named_attributes
        named = [(ATTRIBUTES.index(str(a.name).lower()), VALUES[a][values[a]]) for a in attributes]
        for _, word in named:
            assert word in description
        noun = 0 if 2 in attributes else 1  # "object", if the shape is not named
        words = sum(len(word.split()) for _, word in named) + noun
        assert len(description.replace(",", "").split()) == words
        return
    objects, touched, correct = room.touch
    others = [values for i, values in enumerate(objects) if i != touched]
    unlike_all = {a for a in range(4) if all(other[a] != objects[touched][a] for other in others)}
    inference = re.fullmatch(r"The attribute that pays (must be|must not be|may be) (\w+)\.", text)
    if inference:
        attribute = ATTRIBUTES.index(inference[2])
        assert attribute in room.config.named_attributes
        # What one touch says about what pays: the attributes in which the object is odd, or else all others.
        left = unlike_all if correct else set(range(4)) - unlike_all
        expected = {"must be": left == {attribute}, "must not be": attribute not in left, "may be": attribute in left and len(left) > 1}
        assert expected[inference[1]]
        assert inference[1] != "must be" or attribute == room.rewarded
        assert inference[1] != "must not be" or attribute != room.rewarded
        return
    if text == "This says nothing about the attribute that pays.":
        assert not correct and not unlike_all & set(room.config.named_attributes)
        return
    match = re.fullmatch(
        r"(Correct|Incorrect), (?:the attribute that pays is (\w+): )?(?:although )?(only this object is|other objects are) (.*)\.", text
    )
    verdict, hidden, relation, words = match.groups()
    assert (verdict == "Correct") == correct
    assert hidden is None or hidden == ATTRIBUTES[room.rewarded]
    assert ("although" in text) == (correct != relation.startswith("only"))
    for word in re.split(r", | or ", re.sub(r"\bat the (\w+) or (\w+) wall", r"at the \1-or-\2 wall", words)):
        attribute, value = attribute_of(word.replace("-or-", " or "))
        assert attribute in room.config.named_attributes
        assert hidden is None or attribute == room.rewarded
        assert objects[touched][attribute] == value
        assert (attribute in unlike_all) == relation.startswith("only")
