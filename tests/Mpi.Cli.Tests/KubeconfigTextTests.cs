using Kube.Types;
using Mpi.LocalCluster;

namespace Mpi.Cli.Tests;

public sealed class KubeconfigTextTests
{
    private static readonly KubeconfigEntry Entry = new(new Uri("https://127.0.0.1:4711"), "PEM", "secret", "/run/user/1/kubempi/up");

    /// <summary>As people keep it: comments, an own layout, fields that we do not know.</summary>
    private const string Cared = """
        # my clusters
        apiVersion: v1
        clusters:   # two of them
          - name: work   # the big one
            cluster:
              server: https://work.example:6443
              future-field: [1, 2]
          # this one is at home
          - cluster: {server: "https://10.0.0.7:6443"}
            name: home
        contexts:
        - context:
            cluster: work
            user: me
          name: work
        current-context: work
        kind: Config
        preferences: {}
        users:
        - name: me
          user:
            exec:
              command: login
              args:
              - --token
        # the end

        """;

    [Fact]
    public void A_new_file_holds_the_cluster_alone_and_makes_it_current()
    {
        var (text, current) = KubeconfigText.Add("", Entry);

        Assert.True(current);
        var root = Yaml.Read(text)[0].Root;
        Assert.Equal("kubempi", (string?)root["current-context"]);
        Assert.Equal("https://127.0.0.1:4711", (string?)root["clusters"]![0]!["cluster"]!["server"]);
        Assert.Equal("secret", (string?)root["users"]![0]!["user"]!["token"]);
        Assert.Equal("kubempi", (string?)root["contexts"]![0]!["context"]!["cluster"]);
    }

    [Theory]
    [InlineData(Cared)]
    [InlineData("clusters:\n- name: a\n  cluster: {server: https://a}\nusers:\n- name: a\n  user: {}\ncontexts:\n- name: a\n  context: {cluster: a, user: a}\ncurrent-context: a")]
    [InlineData("{\"clusters\": [{\"name\": \"a\", \"cluster\": {\"server\": \"https://a\"}}], \"users\": [{\"name\": \"a\", \"user\": {}}], \"contexts\": [{\"name\": \"a\", \"context\": {}}], \"current-context\": \"a\"}")]
    [InlineData("clusters: [{name: a, cluster: {server: 'https://a'}}]\r\nusers: []\r\ncontexts: [{name: a, context: {}}]\r\ncurrent-context: a\r\n")]
    public void Every_other_character_of_the_file_stays_and_taking_out_gives_it_back(string before)
    {
        var (text, current) = KubeconfigText.Add(before, Entry);

        Assert.False(current);
        Assert.Contains("4711", text, StringComparison.Ordinal);
        foreach (var line in before.Split('\n').Where(static l => l.StartsWith('#') || l.Contains(" #", StringComparison.Ordinal))) Assert.Contains(line, text, StringComparison.Ordinal);
        Assert.Equal(before.TrimEnd('\r', '\n'), KubeconfigText.Remove(text).TrimEnd('\r', '\n'));
    }

    [Theory]
    [InlineData("apiVersion: v1\nkind: Config\nclusters: null\ncontexts: []\nusers:\npreferences: {}\ncurrent-context: \"\"\n")]
    [InlineData("apiVersion: v1\nkind: Config\n")]
    [InlineData("# nothing yet\n")]
    [InlineData("---\n")]
    [InlineData("{}")]
    [InlineData("{\"clusters\": null, \"current-context\": \"\"}\n")]
    [InlineData("clusters: # mine\nusers: null # theirs\n")]
    public void A_file_without_clusters_takes_it_up_as_the_current_one_and_is_as_good_as_before_afterwards(string before)
    {
        var (text, current) = KubeconfigText.Add(before, Entry);

        Assert.True(current);
        var root = Yaml.Read(text)[0].Root;
        Assert.Equal("kubempi", (string?)root["current-context"]);
        Assert.Equal("kubempi", (string?)root["users"]![0]!["name"]);
        Assert.True(KubeconfigText.IsEmpty(KubeconfigText.Remove(text)));
    }

    [Fact]
    public void An_entry_of_a_cluster_that_is_long_gone_is_replaced()
    {
        var (old, _) = KubeconfigText.Add(Cared, Entry with { Server = new Uri("https://127.0.0.1:1") });

        var (text, _) = KubeconfigText.Add(old, Entry);

        Assert.DoesNotContain("127.0.0.1:1\n", text, StringComparison.Ordinal);
        Assert.Single(Yaml.Read(text)[0].Root["clusters"]!.AsArray(), static c => (string?)c!["name"] == "kubempi");
        Assert.Equal(Cared, KubeconfigText.Remove(text));
    }

    [Fact]
    public void What_kubectl_has_rewritten_meanwhile_is_found_again()
    {
        var tree = Yaml.Read(KubeconfigText.Add(Cared, Entry).Text)[0].Root;
        tree["current-context"] = "kubempi";
        var rewritten = Yaml.Write(System.Text.Json.JsonElement.Parse(tree.ToUtf8()));

        var root = Yaml.Read(KubeconfigText.Remove(rewritten))[0].Root;

        Assert.Equal(["work", "home"], root["clusters"]!.AsArray().Select(static c => (string?)c!["name"]));
        Assert.Equal("", (string?)root["current-context"]);
    }

    [Fact]
    public void A_current_context_of_the_users_choice_stays()
    {
        var text = KubeconfigText.Add("", Entry).Text.Replace("current-context: kubempi", "current-context: other", StringComparison.Ordinal);

        Assert.Contains("current-context: other", KubeconfigText.Remove(text), StringComparison.Ordinal);
    }

    [Fact]
    public void Somebody_elses_cluster_of_the_same_name_is_left_alone()
    {
        var fault = Assert.Throws<KubeconfigException>(static () => KubeconfigText.Add("clusters:\n- name: kubempi\n  cluster: {server: https://prod}\n", Entry));

        Assert.Contains("\"kubempi\" that is not the local cluster's", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clusters: [")]
    [InlineData("clusters:\n\t- name: a\n")]
    [InlineData("just words")]
    [InlineData("clusters: words\n")]
    public void What_cannot_be_read_is_refused(string text) => Assert.Throws<KubeconfigException>(() => KubeconfigText.Add(text, Entry));
}
