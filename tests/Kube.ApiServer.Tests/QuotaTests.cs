using System.Net;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class QuotaTests : IDisposable
{
    private const string Ns = "/api/v1/namespaces/default";
    private readonly TestServer _server = new();

    public void Dispose() => _server.Dispose();

    private JsonObject Quota(string hard, string more = "", string name = "q") =>
        _server.Post($"{Ns}/resourcequotas", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"hard":{{{hard}}}{{{more}}} }}""").Object;

    private Answer Pod(string name, string resources = "{}", string spec = "") =>
        _server.Post($"{Ns}/pods", $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"containers":[{"name":"c","image":"i","resources":{{{resources}}} }]{{{spec}}} }}""");

    private string Used(string name = "q") => _server.Get($"{Ns}/resourcequotas/{name}").Object["status"]!["used"]!.ToJsonString();

    [Fact]
    public void What_exists_is_counted_when_the_quota_is_made_and_again_when_it_changes()
    {
        Pod("p");
        Quota("""{"pods":"2","configmaps":"5"}""");
        Assert.Equal("""{"configmaps":"0","pods":"1"}""", Used());
        _server.Patch($"{Ns}/resourcequotas/q", """{"spec":{"hard":{"configmaps":null,"count/pods":"7"}}}""");
        Assert.Equal("""{"count/pods":"1","pods":"1"}""", Used());
        Assert.Equal("""{"pods":"2","count/pods":"7"}""", _server.Get($"{Ns}/resourcequotas/q").Object["status"]!["hard"]!.ToJsonString());
    }

    [Fact]
    public void What_exceeds_a_quota_is_refused_in_kubes_words()
    {
        Quota("""{"pods":"2","requests.cpu":"1"}""");
        const string Resources = """{"requests":{"cpu":"600m"}}""";
        Assert.Equal(HttpStatusCode.Created, Pod("a", Resources).Code);
        Pod("b", Resources).Fails(403, "Forbidden", "pods \"b\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1");
        Assert.Equal(HttpStatusCode.Created, Pod("c", """{"requests":{"cpu":"100m"}}""").Code);
        Pod("d", """{"requests":{"cpu":"100m"}}""").Fails(403, "Forbidden", "pods \"d\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2");
        Assert.Equal("""{"pods":"2","requests.cpu":"700m"}""", Used());
    }

    [Fact]
    public void A_quota_of_compute_makes_every_container_say_how_much_it_takes()
    {
        Quota("""{"requests.cpu":"1","limits.memory":"1Gi"}""");
        Assert.Equal("pods \"p\" is forbidden: failed quota: q: must specify limits.memory for: c; requests.cpu for: c", (string)Pod("p").Fails(403, "Forbidden").Json["message"]!);
    }

    [Fact]
    public void A_quota_gets_back_what_ends_and_what_is_deleted()
    {
        Quota("""{"pods":"1","count/pods":"2"}""");
        Pod("a");
        _server.Patch($"{Ns}/pods/a/status", """{"status":{"phase":"Succeeded"}}""");
        Assert.Equal("""{"count/pods":"1","pods":"0"}""", Used());
        Assert.Equal(HttpStatusCode.Created, Pod("b").Code);
        Pod("c").Fails(403, "Forbidden", "requested: count/pods=1,pods=1, used: count/pods=2,pods=1, limited: count/pods=2,pods=1");
        _server.Delete($"{Ns}/pods/a");
        _server.Delete($"{Ns}/pods/b");
        Assert.Equal("""{"count/pods":"0","pods":"0"}""", Used());
    }

    [Fact]
    public void A_refused_creation_and_a_dry_run_take_nothing()
    {
        Quota("""{"services":"2"}""");
        _server.Post($"{Ns}/services?dryRun=All", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
        _server.Post($"{Ns}/services", """{"metadata":{"name":"kubernetes"},"spec":{"ports":[{"port":80}]}}""").Fails(409, "AlreadyExists");
        Assert.Equal("""{"services":"1"}""", Used());
        _server.Post($"{Ns}/services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
        _server.Post($"{Ns}/services?dryRun=All", """{"metadata":{"name":"t"},"spec":{"ports":[{"port":80}]}}""").Fails(403, "Forbidden", "exceeded quota: q, requested: services=1, used: services=2, limited: services=2");
    }

    [Fact]
    public void Extended_resources_storage_node_ports_and_any_kind_are_counted()
    {
        Quota("""{"requests.example.com/gpu":"3","requests.storage":"2Gi","services.nodeports":"1","count/jobs.batch":"1","gold.storageclass.storage.k8s.io/requests.storage":"1Gi"}""");
        Pod("g", """{"limits":{"example.com/gpu":"2"}}""");
        Pod("h", """{"limits":{"example.com/gpu":"2"}}""").Fails(403, "Forbidden", "requested: requests.example.com/gpu=2, used: requests.example.com/gpu=2, limited: requests.example.com/gpu=3");
        var claim = """{"metadata":{"name":"x"},"spec":{"storageClassName":"gold","accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}""";
        _server.Post($"{Ns}/persistentvolumeclaims", claim);
        _server.Post($"{Ns}/services", """{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80}]}}""");
        const string Job = """{"metadata":{"generateName":"j-"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}""";
        Assert.Equal(HttpStatusCode.Created, _server.Post("/apis/batch/v1/namespaces/default/jobs", Job).Code);
        _server.Post("/apis/batch/v1/namespaces/default/jobs", Job).Fails(403, "Forbidden", "exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=1, limited: count/jobs.batch=1");
        Assert.Equal("""{"count/jobs.batch":"1","gold.storageclass.storage.k8s.io/requests.storage":"1Gi","requests.example.com/gpu":"2","requests.storage":"1Gi","services.nodeports":"1"}""", Used());
    }

    [Fact]
    public void A_service_that_becomes_a_node_port_is_held_to_the_quota_too()
    {
        Quota("""{"services.nodeports":"0"}""");
        _server.Post($"{Ns}/services", """{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}""");
        _server.Patch($"{Ns}/services/s", """{"spec":{"type":"NodePort"}}""").Fails(403, "Forbidden", "requested: services.nodeports=1, used: services.nodeports=0, limited: services.nodeports=0");
    }

    [Fact]
    public void Scopes_choose_the_pods_that_count()
    {
        Quota("""{"pods":"1"}""", ""","scopes":["BestEffort"]""", "best");
        Quota("""{"pods":"1"}""", ""","scopes":["Terminating"]""", "terminating");
        _server.Post("/apis/scheduling.k8s.io/v1/priorityclasses", """{"metadata":{"name":"high"},"value":100}""");
        Quota("""{"pods":"0"}""", ""","scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In","values":["high"]}]}""", "prio");
        Pod("a", """{"requests":{"cpu":"1"}}""", ""","activeDeadlineSeconds":5""");
        Assert.Equal("""{"pods":"0"}""", Used("best"));
        Assert.Equal("""{"pods":"1"}""", Used("terminating"));
        Pod("b", """{"requests":{"cpu":"1"}}""", ""","priorityClassName":"high" """).Fails(403, "Forbidden", "exceeded quota: prio, requested: pods=1, used: pods=0, limited: pods=0");
        Assert.Equal(HttpStatusCode.Created, Pod("c").Code);
        Pod("d").Fails(403, "Forbidden", "exceeded quota: best");
    }

    [Fact]
    public void A_quota_that_asks_for_what_cannot_be_counted_is_refused()
    {
        var message = (string)_server.Post($"{Ns}/resourcequotas",
            """{"metadata":{"name":"bad"},"spec":{"hard":{"cpu":"1","configmaps":"1.5","foo":"1","pods":"-1"},"scopes":["BestEffort","NotBestEffort"]}}""").Fails(422, "Invalid").Json["message"]!;
        Assert.Contains("spec.hard[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified, spec.hard[foo]: Invalid value: \"foo\": must be a standard resource for quota", message, StringComparison.Ordinal);
        Assert.Contains("spec.hard[pods]: Invalid value: \"-1\": must be greater than or equal to 0", message, StringComparison.Ordinal);
        Assert.Contains("spec.hard[configmaps]: Invalid value: \"1500m\": must be an integer", message, StringComparison.Ordinal);
        Assert.Contains("spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes", message, StringComparison.Ordinal);
        _server.Post($"{Ns}/resourcequotas", """{"metadata":{"name":"bad"},"spec":{"hard":{"pods":"1"},"scopeSelector":{"matchExpressions":[{"scopeName":"PriorityClass","operator":"In"}]}}}""")
            .Fails(422, "Invalid", "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
    }

    [Fact]
    public async Task Writers_at_once_never_take_more_than_there_is()
    {
        Quota("""{"configmaps":"50"}""");
        var made = 0;
        await Parallel.ForAsync(0, 4, TestContext.Current.CancellationToken, async (writer, cancellation) =>
        {
            for (var i = 0; i < 25; i++)
            {
                var answer = await _server.Server.HandleAsync(
                    new ApiRequest("POST", $"{Ns}/configmaps") { Body = System.Text.Encoding.UTF8.GetBytes($$$"""{"metadata":{"name":"m-{{{writer}}}-{{{i}}}"}}""") }, cancellation);
                if (answer.Code == 201) Interlocked.Increment(ref made);
            }
        });
        Assert.Equal(50, made);
        Assert.Equal("""{"configmaps":"50"}""", Used());
    }
}
