// Uses the Go client of each dialect against a service: tour BASE_URL API_KEY.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"

	"tour/accounts"
	"tour/cookie"
	"tour/directory"
	"tour/single_token"
	"tour/token_pair"
)

const (
	password = "P@ssw0rd!"
	name     = "علی\u200cرضا 👩\u200d👧"
)

func expect(what string, found, expected interface{}) {
	if found != expected {
		panic(fmt.Sprintf("%s is %v, not %v", what, found, expected))
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func expectStatus(expected int, response *http.Response, err error) {
	if err == nil || response == nil {
		panic(fmt.Sprintf("no answer with status %d: %v", expected, err))
	}
	expect("the status", response.StatusCode, expected)
}

func tourSingleToken(base string) {
	configuration := single_token.NewConfiguration()
	configuration.Servers = single_token.ServerConfigurations{{URL: base}}
	client := single_token.NewAPIClient(configuration)
	ctx := context.Background()
	user := *single_token.NewRegistration("go_single", "go_single@example.com", password)
	registered, _, err := client.UsersAPI.Register(ctx).Registration(user).Execute()
	check(err)
	expect("the message", registered.Message, "User registered successfully.")
	wrong := *single_token.NewCredentials("go_single@example.com", "wrong password")
	_, response, err := client.SessionsAPI.LogIn(ctx).Credentials(wrong).Execute()
	expectStatus(401, response, err)
	failure := err.(*single_token.GenericOpenAPIError).Model().(single_token.Failure)
	expect("the error", failure.Error, "Invalid credentials.")
	credentials := *single_token.NewCredentials("go_single@example.com", password)
	login, _, err := client.SessionsAPI.LogIn(ctx).Credentials(credentials).Execute()
	check(err)
	refreshed, _, err := client.SessionsAPI.Refresh(ctx).Renewal(*single_token.NewRenewal(login.AccToken)).Execute()
	check(err)
	ctx = context.WithValue(ctx, single_token.ContextAccessToken, refreshed.Token)
	resource, _, err := client.ResourcesAPI.GetProtectedResource(ctx).Execute()
	check(err)
	expect("the data", resource.Data, "protected data")
}

func tourDirectory(base, apiKey string) {
	configuration := directory.NewConfiguration()
	configuration.Servers = directory.ServerConfigurations{{URL: base}}
	client := directory.NewAPIClient(configuration)
	keys := map[string]directory.APIKey{"apiKey": {Key: apiKey}}
	ctx := context.WithValue(context.Background(), directory.ContextAPIKeys, keys)
	registration := *directory.NewRegistration("go_directory", password, "go_directory@example.com")
	user, _, err := client.UsersAPI.Register(ctx).Registration(registration).Execute()
	check(err)
	_, response, err := client.UsersAPI.Register(ctx).Registration(registration).Execute()
	expectStatus(409, response, err)
	found, _, err := client.UsersAPI.GetUser(ctx, user.Id).Execute()
	check(err)
	expect("the username", found.GetUsername(), "go_directory")
	change := *directory.NewUserChange()
	change.SetEmail("changed_go@example.com")
	changed, _, err := client.UsersAPI.UpdateUser(ctx, user.Id).UserChange(change).Execute()
	check(err)
	expect("the e-mail address", changed.GetEmail(), "changed_go@example.com")
	assignment := *directory.NewRoleAssignment([]string{"customer", "admin"})
	roles, _, err := client.UsersAPI.SetRoles(ctx, user.Id).RoleAssignment(assignment).Execute()
	check(err)
	expect("the roles", fmt.Sprint(roles.Roles), "[admin customer]")
	credentials := *directory.NewCredentials("go_directory", password)
	login, _, err := client.SessionsAPI.LogIn(ctx).Credentials(credentials).Execute()
	check(err)
	_, _, err = client.SessionsAPI.Refresh(ctx).Renewal(*directory.NewRenewal(login.Token)).Execute()
	check(err)
	_, err = client.UsersAPI.DeleteUser(ctx, user.Id).Execute()
	check(err)
	_, response, err = client.UsersAPI.GetUser(ctx, user.Id).Execute()
	expectStatus(404, response, err)
}

func tourTokenPair(base string) {
	configuration := token_pair.NewConfiguration()
	configuration.Servers = token_pair.ServerConfigurations{{URL: base}}
	client := token_pair.NewAPIClient(configuration)
	ctx := context.Background()
	registration := *token_pair.NewRegistration("go_pair@example.com", password)
	registration.SetDisplayName(name)
	profile, _, err := client.UsersAPI.Register(ctx).Registration(registration).Execute()
	check(err)
	expect("the name", profile.GetDisplayName(), name)
	credentials := *token_pair.NewCredentials("go_pair@example.com", password)
	tokens, _, err := client.SessionsAPI.LogIn(ctx).Credentials(credentials).Execute()
	check(err)
	tokens, _, err = client.SessionsAPI.Refresh(ctx).Renewal(*token_pair.NewRenewal(tokens.RefreshToken)).Execute()
	check(err)
	ctx = context.WithValue(ctx, token_pair.ContextAccessToken, tokens.AccessToken)
	profile, _, err = client.UsersAPI.GetCurrentUser(ctx).Execute()
	check(err)
	expect("the name", profile.GetDisplayName(), name)
}

func tourAccounts(base string) {
	configuration := accounts.NewConfiguration()
	configuration.Servers = accounts.ServerConfigurations{{URL: base}}
	client := accounts.NewAPIClient(configuration)
	ctx := context.Background()
	registration := *accounts.NewRegistration("go_accounts", password)
	registration.SetFullName(name)
	registered, _, err := client.UsersAPI.Register(ctx).Registration(registration).Execute()
	check(err)
	expect("the status", registered.Account.Status, "active")
	_, response, err := client.UsersAPI.Register(ctx).Registration(registration).Execute()
	expectStatus(400, response, err)
	credentials := *accounts.NewCredentials("go_accounts", password)
	login, _, err := client.SessionsAPI.LogIn(ctx).Credentials(credentials).Execute()
	check(err)
	presented := *accounts.NewPresentedToken(login.RefreshToken)
	refreshed, _, err := client.SessionsAPI.Refresh(ctx).PresentedToken(presented).Execute()
	check(err)
	bearer := context.WithValue(ctx, accounts.ContextAccessToken, refreshed.AccessToken)
	profile, _, err := client.UsersAPI.GetCurrentUser(bearer).Execute()
	check(err)
	expect("the name", profile.GetFullName(), name)
	_, _, err = client.SessionsAPI.LogOut(ctx).PresentedToken(presented).Execute()
	check(err)
	_, response, err = client.SessionsAPI.Refresh(ctx).PresentedToken(presented).Execute()
	expectStatus(403, response, err)
	_, response, err = client.UsersAPI.GetCurrentUser(bearer).Execute()
	expectStatus(401, response, err)
}

func tourCookie(base string) {
	jar, err := cookiejar.New(nil)
	check(err)
	configuration := cookie.NewConfiguration()
	configuration.Servers = cookie.ServerConfigurations{{URL: base}}
	configuration.HTTPClient = &http.Client{Jar: jar}
	client := cookie.NewAPIClient(configuration)
	ctx := context.Background()
	registration := *cookie.NewRegistration("go_cookie", password)
	_, _, err = client.UsersAPI.Register(ctx).Registration(registration).Execute()
	check(err)
	credentials := *cookie.NewCredentials("go_cookie", password)
	_, _, err = client.SessionsAPI.LogIn(ctx).Credentials(credentials).Execute()
	check(err)
	refreshed, _, err := client.SessionsAPI.Refresh(ctx).Execute()
	check(err)
	ctx = context.WithValue(ctx, cookie.ContextAccessToken, refreshed.Data.Token)
	user, _, err := client.UsersAPI.GetCurrentUser(ctx).Execute()
	check(err)
	expect("the username", user.Data.GetUsername(), "go_cookie")
	_, _, err = client.SessionsAPI.LogOut(ctx).Execute()
	check(err)
	_, response, err := client.UsersAPI.GetCurrentUser(ctx).Execute()
	expectStatus(401, response, err)
}

func main() {
	base, apiKey := os.Args[1], os.Args[2]
	tourSingleToken(base)
	fmt.Println("go single_token: the tour is complete")
	tourDirectory(base, apiKey)
	fmt.Println("go directory: the tour is complete")
	tourTokenPair(base)
	fmt.Println("go token_pair: the tour is complete")
	tourAccounts(base)
	fmt.Println("go accounts: the tour is complete")
	tourCookie(base)
	fmt.Println("go cookie: the tour is complete")
}
