# Lesson 12, Interrupts and time travel: its answers, which are read and never imported.

# %% 12.one-mail: given
import operator
import uuid
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class Case(TypedDict):
    done: Annotated[list[str], operator.add]


def build(saver, *nodes):
    builder = StateGraph(Case)
    builder.add_sequence(list(nodes))
    builder.add_edge(START, nodes[0].__name__)
    return builder.compile(checkpointer=saver)


# %% 12.one-mail: solution
def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            mail("Eve", key=f"{case}, question {number}")
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: alternative
def refund(saver, mail, case):
    def tell(state):
        mail("Eve", key=f"{case}, question {len(state['done'])}")

    def review(state):
        return {"done": [interrupt("Refund 30 euros to Ada: yes or no?")]}

    def inform(state):
        if state["done"][-1] == "yes":
            mail("Ada", key=f"{case}, refunded")

    def way(state):
        return "inform" if state["done"][-1] in ("yes", "no") else "tell"

    builder = StateGraph(Case)
    builder.add_sequence([tell, review]).add_edge(START, "tell")
    builder.add_node(inform).add_conditional_edges("review", way, ["inform", "tell"])
    return builder.compile(checkpointer=saver)


# %% 12.one-mail: near miss: came under a key that the post office knew
def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            mail("Eve", key=f"{case}, please review")
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: does not name the case
def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            mail("Eve", key=f"question {number}")
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: the mail to Eve was out
def refund(saver, mail, case):
    def tell(state):
        mail("Eve", key=uuid.uuid4().hex)

    def review(state):
        return {"done": [interrupt("Refund 30 euros to Ada: yes or no?")]}

    def inform(state):
        if state["done"][-1] == "yes":
            mail("Ada", key=f"{case}, refunded")

    def way(state):
        return "inform" if state["done"][-1] in ("yes", "no") else "tell"

    builder = StateGraph(Case)
    builder.add_sequence([tell, review]).add_edge(START, "tell")
    builder.add_node(inform).add_conditional_edges("review", way, ["inform", "tell"])
    return builder.compile(checkpointer=saver)


# %% 12.one-mail: near miss: the mail to Ada was out
def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            mail("Eve", key=f"{case}, question {number}")
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=uuid.uuid4().hex)
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: it died with its process
told = set()


def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            if number not in told:
                told.add(number)
                mail("Eve", key=uuid.uuid4().hex)
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: came under a key that the post office knew
def refund(saver, mail, case):
    def review(state):
        answer = None
        while answer not in ("yes", "no"):
            mail("Eve", key=f"{case}, after {answer}")
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: started afresh
def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            mail("Eve", key=hash(f"{case}, question {number}"))
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: she was not asked again
def refund(saver, mail, case):
    def review(state):
        mail("Eve", key=case)
        answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: nobody has told her
def refund(saver, mail, case):
    def review(state):
        answer = interrupt("Refund 30 euros to Ada: yes or no?")
        mail("Eve", key=case)
        if answer == "yes":
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: kept it from getting there
def refund(saver, mail, case):
    def review(state):
        mail("Eve", key=case)
        try:
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        except Exception:
            answer = "no"
        return {"done": [answer]}

    return build(saver, review)


# %% 12.one-mail: near miss: before anybody had decided
def refund(saver, mail, case):
    def tell(state):
        mail("Eve", key=case)
        mail("Ada", key=f"{case}, refunded")

    def review(state):
        return {"done": [interrupt("Refund 30 euros to Ada: yes or no?")]}

    return build(saver, tell, review)


# %% 12.one-mail: near miss: look at it before it sends
def refund(saver, mail, case):
    def review(state):
        number, answer = 0, None
        while answer not in ("yes", "no"):
            number += 1
            mail("Eve", key=f"{case}, question {number}")
            answer = interrupt("Refund 30 euros to Ada: yes or no?")
        if answer:
            mail("Ada", key=f"{case}, refunded")
        return {"done": [answer]}

    return build(saver, review)


# %% 12.change-mind: given
import operator
import uuid
from typing import Annotated, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt


class Case(TypedDict):
    done: Annotated[list[str], operator.add]


def build(saver, *nodes):
    builder = StateGraph(Case)
    builder.add_sequence(list(nodes))
    builder.add_edge(START, nodes[0].__name__)
    return builder.compile(checkpointer=saver)


# %% 12.change-mind: solution
def change_mind(graph, config, answer):
    asked = next(s for s in graph.get_state_history(config) if s.interrupts)
    graph.invoke(None, asked.config)
    graph.invoke(Command(resume=answer), config)


# %% 12.change-mind: alternative
def change_mind(graph, config, answer):
    asked = next(s for s in graph.get_state_history(config) if s.interrupts)
    fork = graph.update_state(asked.config, {"done": [answer]}, as_node="review")
    graph.invoke(None, fork)


# %% 12.change-mind: alternative
def change_mind(graph, config, answer):
    now = graph.get_state(config)
    while not now.interrupts:
        now = graph.get_state(now.parent_config)
    graph.update_state(now.config, {"done": [answer]}, as_node="review")
    graph.invoke(None, config)


# %% 12.change-mind: near miss: the question is open again
def change_mind(graph, config, answer):
    asked = next(s for s in graph.get_state_history(config) if s.interrupts)
    graph.invoke(None, asked.config)


# %% 12.change-mind: near miss: once more: look_up, write
def change_mind(graph, config, answer):
    first = list(graph.get_state_history(config))[-1]
    graph.invoke(None, first.config)
    graph.invoke(Command(resume=answer), config)


# %% 12.change-mind: near miss: once more: write
def change_mind(graph, config, answer):
    drafting = next(s for s in graph.get_state_history(config) if s.next == ("write",))
    graph.invoke(None, drafting.config)
    graph.invoke(Command(resume=answer), config)


# %% 12.change-mind: near miss: both answers are in it
def change_mind(graph, config, answer):
    graph.update_state(config, {"done": [answer]}, as_node="review")
    graph.invoke(None, config)


# %% 12.change-mind: near miss: nothing was done about it
from langgraph.types import Overwrite


def change_mind(graph, config, answer):
    done = graph.get_state(config).values["done"][:2]
    done = Overwrite([*done, answer, f"acted on {answer}"])
    graph.update_state(config, {"done": done}, as_node="act")


# %% 12.change-mind: near miss: tasks that nobody runs
def change_mind(graph, config, answer):
    asked = next(s for s in graph.get_state_history(config) if s.interrupts)
    graph.update_state(asked.config, {"done": [answer]}, "review")


# %% 12.change-mind: near miss: the earlier branch is gone
def change_mind(graph, config, answer):
    graph.checkpointer.delete_thread(config["configurable"]["thread_id"])
    graph.update_state(config, {"done": ["looked up", "draft"]}, as_node="write")
    graph.invoke(None, config)
    graph.invoke(Command(resume=answer), config)
