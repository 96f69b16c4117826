import java.net.CookieManager;
import java.net.http.HttpClient;
import java.util.List;

/** Uses the Java client of each dialect against a service: Tour BASE_URL API_KEY. */
public final class Tour {
    private static final String PASSWORD = "P@ssw0rd!";
    private static final String NAME = "علی\u200cرضا 👩\u200d👧";

    /** A call that may fail with the exception of its client. */
    private interface Call {
        void run() throws Exception;
    }

    private static void expect(String what, Object found, Object expected) {
        if (!expected.equals(found)) {
            throw new IllegalStateException(what + " is " + found + ", not " + expected);
        }
    }

    /** Each client has its own exception, with the status as `getCode`. */
    private static void expectStatus(int status, Call call) throws Exception {
        try {
            call.run();
        } catch (Exception error) {
            expect("the status", error.getClass().getMethod("getCode").invoke(error), status);
            return;
        }
        throw new IllegalStateException("the call succeeded instead of failing with " + status);
    }

    private static void singleToken(String base) throws Exception {
        var client = new single_token.ApiClient();
        client.updateBaseUri(base);
        var users = new single_token.api.UsersApi(client);
        var sessions = new single_token.api.SessionsApi(client);
        var registered = users.register(new single_token.model.Registration()
            .username("java_single").email("java_single@example.com").password(PASSWORD));
        expect("the message", registered.getMessage(), "User registered successfully.");
        var wrong = new single_token.model.Credentials().email("java_single@example.com").password("wrong password");
        expectStatus(401, () -> sessions.logIn(wrong));
        var login = sessions.logIn(
            new single_token.model.Credentials().email("java_single@example.com").password(PASSWORD));
        var refreshed = sessions.refresh(new single_token.model.Renewal().refToken(login.getAccToken()));
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + refreshed.getToken()));
        var resource = new single_token.api.ResourcesApi(client).getProtectedResource();
        expect("the data", resource.getData(), "protected data");
    }

    private static void directory(String base, String apiKey) throws Exception {
        var client = new directory.ApiClient();
        client.updateBaseUri(base);
        client.setRequestInterceptor(request -> request.header("X-API-Key", apiKey));
        var users = new directory.api.UsersApi(client);
        var sessions = new directory.api.SessionsApi(client);
        var registration = new directory.model.Registration()
            .username("java_directory").email("java_directory@example.com").password(PASSWORD);
        var id = users.register(registration).getId();
        expectStatus(409, () -> users.register(registration));
        expect("the username", users.getUser(id).getUsername(), "java_directory");
        var changed = users.updateUser(id, new directory.model.UserChange().email("changed_java@example.com"));
        expect("the e-mail address", changed.getEmail(), "changed_java@example.com");
        var assignment = new directory.model.RoleAssignment().roles(List.of("customer", "admin"));
        expect("the roles", users.setRoles(id, assignment).getRoles(), List.of("admin", "customer"));
        var token = sessions.logIn(
            new directory.model.Credentials().username("java_directory").password(PASSWORD)).getToken();
        sessions.refresh(new directory.model.Renewal().refreshToken(token));
        users.deleteUser(id);
        expectStatus(404, () -> users.getUser(id));
    }

    private static void tokenPair(String base) throws Exception {
        var client = new token_pair.ApiClient();
        client.updateBaseUri(base);
        var users = new token_pair.api.UsersApi(client);
        var sessions = new token_pair.api.SessionsApi(client);
        var profile = users.register(new token_pair.model.Registration()
            .email("java_pair@example.com").password(PASSWORD).displayName(NAME));
        expect("the name", profile.getDisplayName(), NAME);
        var login = sessions.logIn(new token_pair.model.Credentials().email("java_pair@example.com").password(PASSWORD));
        var tokens = sessions.refresh(new token_pair.model.Renewal().refreshToken(login.getRefreshToken()));
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + tokens.getAccessToken()));
        expect("the name", new token_pair.api.UsersApi(client).getCurrentUser().getDisplayName(), NAME);
    }

    private static void accounts(String base) throws Exception {
        var client = new accounts.ApiClient();
        client.updateBaseUri(base);
        var users = new accounts.api.UsersApi(client);
        var sessions = new accounts.api.SessionsApi(client);
        var registration = new accounts.model.Registration()
            .username("java_accounts").password(PASSWORD).fullName(NAME);
        expect("the status", users.register(registration).getAccount().getStatus(), "active");
        expectStatus(400, () -> users.register(registration));
        var login = sessions.logIn(new accounts.model.Credentials().username("java_accounts").password(PASSWORD));
        var presented = new accounts.model.PresentedToken().refreshToken(login.getRefreshToken());
        var token = sessions.refresh(presented).getAccessToken();
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        var bearer = new accounts.api.UsersApi(client);
        expect("the name", bearer.getCurrentUser().getFullName(), NAME);
        sessions.logOut(presented);
        expectStatus(403, () -> sessions.refresh(presented));
        expectStatus(401, () -> bearer.getCurrentUser());
    }

    private static void cookie(String base) throws Exception {
        var client = new cookie.ApiClient();
        client.updateBaseUri(base);
        client.setHttpClientBuilder(HttpClient.newBuilder().cookieHandler(new CookieManager()));
        var sessions = new cookie.api.SessionsApi(client);
        new cookie.api.UsersApi(client).register(
            new cookie.model.Registration().username("java_cookie").password(PASSWORD));
        sessions.logIn(new cookie.model.Credentials().username("java_cookie").password(PASSWORD));
        var token = sessions.refresh().getData().getToken();
        var headers = java.util.Map.of("Authorization", "Bearer " + token);
        var bearer = new cookie.api.UsersApi(client);
        expect("the username", bearer.getCurrentUser(headers).getData().getUsername(), "java_cookie");
        expect("the message", sessions.logOut(headers).getMessage(), "Logged out successfully.");
        expectStatus(401, () -> bearer.getCurrentUser(headers));
    }

    public static void main(String[] arguments) throws Exception {
        singleToken(arguments[0]);
        System.out.println("java single_token: the tour is complete");
        directory(arguments[0], arguments[1]);
        System.out.println("java directory: the tour is complete");
        tokenPair(arguments[0]);
        System.out.println("java token_pair: the tour is complete");
        accounts(arguments[0]);
        System.out.println("java accounts: the tour is complete");
        cookie(arguments[0]);
        System.out.println("java cookie: the tour is complete");
    }
}
