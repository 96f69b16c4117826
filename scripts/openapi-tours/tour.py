"""Uses the Python client of each dialect against a service: tour.py BASE_URL API_KEY."""

import importlib
import sys

base, api_key = sys.argv[1:]
password = "P@ssw0rd!"
name = "علی\u200cرضا 👩\u200d👧"


def apis(dialect, token=None, keys=None):
    """The package of a dialect, and its API objects with these credentials."""
    package = importlib.import_module(f"{dialect}_client")
    configuration = package.Configuration(host=base, access_token=token, api_key=keys)
    client = package.ApiClient(configuration)
    return package, package.SessionsApi(client), package.UsersApi(client)


def expect(what, found, expected):
    if found != expected:
        raise SystemExit(f"{what} is {found!r}, not {expected!r}")


def expect_failure(status, call, *arguments):
    """Calls, and returns the decoded body of the failure."""
    try:
        call(*arguments)
    except Exception as error:  # each package has its own class
        expect("the status", getattr(error, "status", error), status)
        return error.data
    raise SystemExit(f"the call succeeded instead of failing with {status}")


def cookie_value(response):
    return response.headers["set-cookie"].split(";")[0].split("=", 1)[1]


def single_token():
    package, sessions, users = apis("single_token")
    body = package.Registration(username="python_single", email="python_single@example.com", password=password)
    expect("the message", users.register(body).message, "User registered successfully.")
    wrong = package.Credentials(email="python_single@example.com", password="wrong password")
    expect("the error", expect_failure(401, sessions.log_in, wrong).error, "Invalid credentials.")
    token = sessions.log_in(package.Credentials(email="python_single@example.com", password=password)).acc_token
    token = sessions.refresh(package.Renewal(ref_token=token)).token
    package, _, _ = apis("single_token", token)
    resources = package.ResourcesApi(package.ApiClient(package.Configuration(host=base, access_token=token)))
    expect("the data", resources.get_protected_resource().data, "protected data")


def directory():
    package, sessions, users = apis("directory", keys={"apiKey": api_key})
    body = package.Registration(username="python_directory", email="python_directory@example.com", password=password)
    user = users.register(body)
    expect_failure(409, users.register, body)
    expect("the username", users.get_user(user.id).username, "python_directory")
    changed = users.update_user(user.id, package.UserChange(email="changed_python@example.com"))
    expect("the e-mail address", changed.email, "changed_python@example.com")
    roles = users.set_roles(user.id, package.RoleAssignment(roles=["customer", "admin"])).roles
    expect("the roles", roles, ["admin", "customer"])
    token = sessions.log_in(package.Credentials(username="python_directory", password=password)).token
    sessions.refresh(package.Renewal(refresh_token=token))
    users.delete_user(user.id)
    expect("the error", expect_failure(404, users.get_user, user.id).error, "User not found.")


def token_pair():
    package, sessions, users = apis("token_pair")
    body = package.Registration(email="python_pair@example.com", password=password, displayName=name)
    expect("the name", users.register(body).display_name, name)
    tokens = sessions.log_in(package.Credentials(email="python_pair@example.com", password=password))
    tokens = sessions.refresh(package.Renewal(refreshToken=tokens.refresh_token))
    _, _, users = apis("token_pair", tokens.access_token)
    expect("the name", users.get_current_user().display_name, name)


def accounts():
    package, sessions, users = apis("accounts")
    body = package.Registration(username="python_accounts", password=password, full_name=name)
    expect("the status", users.register(body).account.status, "active")
    expect("the error", expect_failure(400, users.register, body).error, "Username already exists")
    tokens = sessions.log_in(package.Credentials(username="python_accounts", password=password))
    presented = package.PresentedToken(refresh_token=tokens.refresh_token)
    _, _, users = apis("accounts", sessions.refresh(presented).access_token)
    expect("the name", users.get_current_user().full_name, name)
    expect("the message", sessions.log_out(presented).message, "Successfully logged out")
    expect_failure(403, sessions.refresh, presented)
    expect_failure(401, users.get_current_user)


def cookie():
    package, sessions, users = apis("cookie")
    users.register(package.Registration(username="python_cookie", password=password))
    credentials = package.Credentials(username="python_cookie", password=password)
    login = sessions.log_in_with_http_info(credentials)
    keys = {"refreshCookie": cookie_value(login)}
    _, sessions, _ = apis("cookie", keys=keys)
    refreshed = sessions.refresh_with_http_info()
    keys = {"refreshCookie": cookie_value(refreshed)}
    _, sessions, users = apis("cookie", refreshed.data.data.token, keys)
    expect("the username", users.get_current_user().data.username, "python_cookie")
    expect("the message", sessions.log_out().message, "Logged out successfully.")
    expect_failure(401, users.get_current_user)


for tour in [single_token, directory, token_pair, accounts, cookie]:
    tour()
    print(f"python {tour.__name__}: the tour is complete")
