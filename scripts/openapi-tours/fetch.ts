// Uses the types of openapi-typescript with openapi-fetch against a service: fetch.js BASE_URL API_KEY.
import createClient from "openapi-fetch";
import type * as accounts from "./accounts.js";
import type * as cookie from "./cookie.js";
import type * as directory from "./directory.js";
import type * as singleToken from "./single_token.js";
import type * as tokenPair from "./token_pair.js";

declare const process: { argv: string[] };
const [, , baseUrl = "", apiKey = ""] = process.argv;
if (apiKey === "") throw new Error("usage: fetch.js BASE_URL API_KEY");
const password = "P@ssw0rd!";
const name = "علی\u200cرضا 👩\u200d👧";
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

/** The body of a response with this status; anything else ends the tour. */
function expect<T>(status: number, result: { data?: T; error?: unknown; response: Response }): T {
    same("the status", result.response.status, status);
    return result.data as T;
}

function same<T>(what: string, found: T, expected: T): void {
    if (found !== expected) throw new Error(`${what} is ${found}, not ${expected}`);
}

async function tourSingleToken(): Promise<void> {
    const client = createClient<singleToken.paths>({ baseUrl });
    const [username, email] = ["fetch_single", "fetch_single@example.com"];
    expect(201, await client.POST("/v1/auth/register", { body: { username, email, password } }));
    const wrong = await client.POST("/v1/auth/login", { body: { email, password: "wrong password" } });
    same("the error", wrong.error?.error, "Invalid credentials.");
    const { acc_token } = expect(200, await client.POST("/v1/auth/login", { body: { email, password } }));
    const renewal: singleToken.components["schemas"]["Renewal"] = { ref_token: acc_token };
    const { token } = expect(200, await client.POST("/v1/auth/refresh", { body: renewal }));
    const resource = expect(200, await client.GET("/v1/protected/resource", bearer(token)));
    same("the data", resource.data, "protected data");
}

async function tourDirectory(): Promise<void> {
    const client = createClient<directory.paths>({ baseUrl, headers: { "X-API-Key": apiKey } });
    const [username, email] = ["fetch_directory", "fetch_directory@example.com"];
    const user = expect(201, await client.POST("/api/v1/users", { body: { username, email, password } }));
    const params = { path: { user_id: user.id } };
    same("the username", expect(200, await client.GET("/api/v1/users/{user_id}", { params })).username, username);
    const body = { email: "changed_fetch@example.com" };
    same("the e-mail address", expect(200, await client.PUT("/api/v1/users/{user_id}", { params, body })).email, body.email);
    const roles = { params, body: { roles: ["customer", "admin"] } };
    same("the roles", expect(200, await client.PUT("/api/v1/users/{user_id}/roles", roles)).roles.join(), "admin,customer");
    const { token } = expect(200, await client.POST("/api/v1/auth/login", { body: { username, password } }));
    expect(200, await client.POST("/api/v1/auth/refresh", { body: { refresh_token: token } }));
    expect(204, await client.DELETE("/api/v1/users/{user_id}", { params }));
    expect(404, await client.GET("/api/v1/users/{user_id}", { params }));
}

async function tourTokenPair(): Promise<void> {
    const client = createClient<tokenPair.paths>({ baseUrl });
    const email = "fetch_pair@example.com";
    const registration = { body: { email, password, displayName: name } };
    same("the name", expect(201, await client.POST("/api/v1/auth/register", registration)).displayName, name);
    const { refreshToken } = expect(200, await client.POST("/api/v1/auth/login", { body: { email, password } }));
    const { accessToken } = expect(200, await client.POST("/api/v1/auth/refresh", { body: { refreshToken } }));
    same("the name", expect(200, await client.GET("/api/v1/auth/me", bearer(accessToken))).displayName, name);
}

async function tourAccounts(): Promise<void> {
    const client = createClient<accounts.paths>({ baseUrl });
    const body: accounts.components["schemas"]["Registration"] = {
        username: "fetch_accounts",
        password,
        full_name: name,
        email: "fetch_accounts@example.com",
        phone_number: "+84123456789",
        roles: "customer",
    };
    const { account } = expect(201, await client.POST("/api/v1/auth/register", { body }));
    const again = await client.POST("/api/v1/auth/register", { body });
    same("the error", again.error?.error, "Username already exists");
    const credentials = { body: { username: body.username, password } };
    const { refresh_token } = expect(200, await client.POST("/api/v1/auth/login", credentials));
    const { access_token } = expect(200, await client.POST("/api/v1/auth/refresh", { body: { refresh_token } }));
    const profile = expect(200, await client.GET("/api/v1/auth/me", bearer(access_token)));
    same("account_id", profile.account_id, account.account_id);
    same("the name", profile.full_name, name);
    expect(200, await client.POST("/api/v1/auth/logout", { body: { refresh_token } }));
    expect(403, await client.POST("/api/v1/auth/refresh", { body: { refresh_token } }));
    expect(401, await client.GET("/api/v1/auth/me", bearer(access_token)));
}

async function tourCookie(): Promise<void> {
    const client = createClient<cookie.paths>({ baseUrl });
    // A browser keeps the cookie. Node.js leaves that to the program.
    const pair = (response: Response) => response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    const body = { username: "fetch_cookie", password };
    expect(201, await client.POST("/api/auth/register", { body }));
    const login = await client.POST("/api/auth/login", { body });
    same("the username", expect(200, login).data.user.username, body.username);
    const refreshed = await client.POST("/api/auth/refresh", { headers: { Cookie: pair(login.response) } });
    const { Authorization } = bearer(expect(200, refreshed).data.token).headers;
    const headers = { Authorization, Cookie: pair(refreshed.response) };
    same("the username", expect(200, await client.GET("/api/user", { headers })).data.username, body.username);
    expect(200, await client.POST("/api/auth/logout", { headers }));
    expect(401, await client.GET("/api/user", { headers }));
}

await tourSingleToken();
console.log("openapi-typescript single_token: the tour is complete");
await tourDirectory();
console.log("openapi-typescript directory: the tour is complete");
await tourTokenPair();
console.log("openapi-typescript token_pair: the tour is complete");
await tourAccounts();
console.log("openapi-typescript accounts: the tour is complete");
await tourCookie();
console.log("openapi-typescript cookie: the tour is complete");
