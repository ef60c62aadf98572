# The sample's answers, which are read and never imported.


# %% 13.double: given
def helper(number):
    return 2 * number


# %% 13.double: solution
def double(number):
    return number + number


# %% 13.double: alternative: by a helper
def double(number):
    return helper(number)


# %% 13.double: near miss: the square
def double(number):
    return number * number


# %% 13.double: near miss: AttributeError
def double(number):
    return number.twice


# %% 13.bag: solution
class Bag:
    def __init__(self):
        self.items = []


# %% 13.bag: near miss: not empty
class Bag:
    items = (1,)


# %% 13.answer: solution
answer = 42

# %% 13.answer: near miss: other number
answer = 41
