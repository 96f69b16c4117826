// Uses the typescript-fetch client of each dialect against a service: tour.js BASE_URL API_KEY.
import * as accounts from "./accounts/index.js";
import * as cookie from "./cookie/index.js";
import * as directory from "./directory/index.js";
import * as singleToken from "./single_token/index.js";
import * as tokenPair from "./token_pair/index.js";

declare const process: { argv: string[] };
const [, , basePath, apiKey] = process.argv;
if (basePath === undefined || apiKey === undefined) throw new Error("usage: tour.js BASE_URL API_KEY");
const password = "P@ssw0rd!";
const name = "علی\u200cرضا 👩\u200d👧";

function expect<T>(what: string, found: T, expected: T): void {
    if (found !== expected) throw new Error(`${what} is ${found}, not ${expected}`);
}

async function expectStatus(status: number, call: Promise<unknown>): Promise<void> {
    try {
        await call;
    } catch (error) {
        expect("the status", (error as { response?: Response }).response?.status, status);
        return;
    }
    throw new Error(`the call succeeded instead of failing with ${status}`);
}

async function tourSingleToken(): Promise<void> {
    const open = new singleToken.Configuration({ basePath });
    const users = new singleToken.UsersApi(open);
    const sessions = new singleToken.SessionsApi(open);
    const [username, email] = ["ts_single", "ts_single@example.com"];
    const registered = await users.register({ registration: { username, email, password } });
    expect("the message", registered.message, "User registered successfully.");
    await expectStatus(401, sessions.logIn({ credentials: { email, password: "wrong password" } }));
    const { accToken } = await sessions.logIn({ credentials: { email, password } });
    const { token } = await sessions.refresh({ renewal: { refToken: accToken } });
    const resources = new singleToken.ResourcesApi(new singleToken.Configuration({ basePath, accessToken: token }));
    expect("the data", (await resources.getProtectedResource()).data, "protected data");
}

async function tourDirectory(): Promise<void> {
    const keyed = new directory.Configuration({ basePath, apiKey });
    const users = new directory.UsersApi(keyed);
    const sessions = new directory.SessionsApi(keyed);
    const registration = { username: "ts_directory", email: "ts_directory@example.com", password };
    const { id: userId } = await users.register({ registration });
    await expectStatus(409, users.register({ registration }));
    expect("the username", (await users.getUser({ userId })).username, "ts_directory");
    const changed = await users.updateUser({ userId, userChange: { email: "changed_ts@example.com" } });
    expect("the e-mail address", changed.email, "changed_ts@example.com");
    const { roles } = await users.setRoles({ userId, roleAssignment: { roles: ["customer", "admin"] } });
    expect("the roles", roles.join(), "admin,customer");
    const { token } = await sessions.logIn({ credentials: { username: "ts_directory", password } });
    await sessions.refresh({ renewal: { refreshToken: token } });
    await users.deleteUser({ userId });
    await expectStatus(404, users.getUser({ userId }));
}

async function tourTokenPair(): Promise<void> {
    const open = new tokenPair.Configuration({ basePath });
    const users = new tokenPair.UsersApi(open);
    const sessions = new tokenPair.SessionsApi(open);
    const email = "ts_pair@example.com";
    const profile = await users.register({ registration: { email, password, displayName: name } });
    expect("the name", profile.displayName, name);
    const { refreshToken } = await sessions.logIn({ credentials: { email, password } });
    const { accessToken } = await sessions.refresh({ renewal: { refreshToken } });
    const bearer = new tokenPair.UsersApi(new tokenPair.Configuration({ basePath, accessToken }));
    expect("the name", (await bearer.getCurrentUser()).displayName, name);
}

async function tourAccounts(): Promise<void> {
    const open = new accounts.Configuration({ basePath });
    const users = new accounts.UsersApi(open);
    const sessions = new accounts.SessionsApi(open);
    const registration = { username: "ts_accounts", password, fullName: name };
    expect("the status", (await users.register({ registration })).account.status, "active");
    await expectStatus(400, users.register({ registration }));
    const { refreshToken } = await sessions.logIn({ credentials: { username: "ts_accounts", password } });
    const presentedToken = { refreshToken };
    const { accessToken } = await sessions.refresh({ presentedToken });
    const bearer = new accounts.UsersApi(new accounts.Configuration({ basePath, accessToken }));
    expect("the name", (await bearer.getCurrentUser()).fullName, name);
    await sessions.logOut({ presentedToken });
    await expectStatus(403, sessions.refresh({ presentedToken }));
    await expectStatus(401, bearer.getCurrentUser());
}

async function tourCookie(): Promise<void> {
    const open = new cookie.Configuration({ basePath });
    const username = "ts_cookie";
    await new cookie.UsersApi(open).register({ registration: { username, password } });
    const login = await new cookie.SessionsApi(open).logInRaw({ credentials: { username, password } });
    // A browser keeps the cookie. Node.js leaves that to the program.
    const pair = (response: { raw: Response }) => response.raw.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const withCookie = new cookie.Configuration({ basePath, headers: { Cookie: pair(login) } });
    const refreshed = await new cookie.SessionsApi(withCookie).refreshRaw();
    const accessToken = (await refreshed.value()).data.token;
    const bearer = new cookie.Configuration({ basePath, accessToken, headers: { Cookie: pair(refreshed) } });
    expect("the username", (await new cookie.UsersApi(bearer).getCurrentUser()).data.username, username);
    await new cookie.SessionsApi(bearer).logOut();
    await expectStatus(401, new cookie.UsersApi(bearer).getCurrentUser());
}

await tourSingleToken();
console.log("typescript single_token: the tour is complete");
await tourDirectory();
console.log("typescript directory: the tour is complete");
await tourTokenPair();
console.log("typescript token_pair: the tour is complete");
await tourAccounts();
console.log("typescript accounts: the tour is complete");
await tourCookie();
console.log("typescript cookie: the tour is complete");
