using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Dialects;

namespace Mpi.Operator.Tests;

/// <summary>
/// Replicas of the webhook on one cluster under virtual time. After each step every replica's certificate is held against the authorities that the
/// definition names, as an API server would that watches it closely.
/// </summary>
internal sealed class WebhookWorld : IAsyncDisposable
{
    public const string Namespace = "mpi-operator";

    private readonly List<ConversionWebhook> _replicas = [];
    private readonly List<(DateTimeOffset From, string Bundle)> _published = [];
    private readonly Dictionary<(string Thumbprint, string Bundle), DateTime> _trusted = [];

    public WebhookWorld(string strategy = "Webhook")
    {
        Cluster.Create(A.Namespace(Namespace));
        Cluster.Create(Kinds.CustomResourceDefinition, KubeObject.Parse($$"""
            {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "mpijobs.kubeflow.org"},
             "spec": {"group": "kubeflow.org", "scope": "Namespaced", "names": {"kind": "MPIJob", "plural": "mpijobs"},
               "conversion": {{(strategy == "None" ? """{"strategy": "None"}""" : """{"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": {"service": {"namespace": "somewhere", "name": "else"}}}}""")}},
               "versions": [{{Version("v1", false)}}, {{Version("v2beta1", true)}}]} }
            """));
    }

    public TestCluster Cluster { get; } = new();

    /// <summary>Every moment at which an API server would have refused a replica.</summary>
    public List<string> Refusals { get; } = [];

    /// <summary>API servers may hear of a change so much later.</summary>
    public TimeSpan Lag { get; set; }

    /// <summary>What the replicas say.</summary>
    public List<string> Log { get; } = [];

    public KubeObject? Secret => Cluster.Find(Kinds.Secret, ConversionOptions.SecretName, Namespace);

    public WebhookKeys Keys => WebhookKeys.Read(Secret!);

    public DefinitionView Definition => DefinitionView.Read(Cluster.Get(Kinds.CustomResourceDefinition, ConversionOptions.Definition));

    public int Authorities => WebhookCertificates.ReadAuthorities(Definition.Bundle).Length;

    /// <param name="flags">Such as <c>gpus-per-node=4</c>.</param>
    public (ConversionWebhook Webhook, FaultInjectingHandler Requests) Start(TimeProvider? time = null, Uri? url = null, params string[] flags)
    {
        var (client, requests) = Cluster.Connect($"replica-{_replicas.Count}");
        var options = new ConversionOptions { Namespace = Namespace, Url = url, Flags = flags.Select(static f => f.Split('=')).ToImmutableDictionary(static f => f[0], static f => f[1], StringComparer.Ordinal) };
        var webhook = new ConversionWebhook(options, client, Convert, time ?? Cluster.Clock, Cluster.NewRandom(), new Said(Log));
        _replicas.Add(webhook);
        return (webhook, requests);
    }

    /// <summary>Lets time pass at a pace, all replicas stepping until they rest after each.</summary>
    public async Task RunAsync(TimeSpan time, TimeSpan pace)
    {
        for (var end = Cluster.Clock.GetUtcNow() + time; ; Cluster.Clock.Advance(pace))
        {
            Judge();
            await SettleAsync();
            if (Cluster.Clock.GetUtcNow() >= end) return;
        }
    }

    public Task RunAsync() => RunAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(1));

    public async Task SettleAsync()
    {
        var loops = _replicas.SelectMany(static r => r.Loops).ToList();
        for (var rounds = 0; ; rounds++)
        {
            var moved = false;
            foreach (var loop in loops)
            {
                if (!await loop.StepAsync(TestContext.Current.CancellationToken)) continue;
                moved = true;
                Judge();
            }

            if (!moved) return;
            Assert.True(rounds < 1_000, "the replicas never rest");
        }
    }

    /// <summary>Whether an API server with this bundle would take the replica's certificate now.</summary>
    public bool IsTrusted(ConversionWebhook replica, string bundle) =>
        replica.Certificate is { } served && Cluster.Clock.GetUtcNow().UtcDateTime <= TrustedUntil(served.TargetCertificate, bundle);

    private DateTime TrustedUntil(X509Certificate2 certificate, string bundle)
    {
        if (_trusted.TryGetValue((certificate.Thumbprint, bundle), out var known)) return known;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = Cluster.Clock.GetUtcNow().UtcDateTime;
        foreach (var authority in WebhookCertificates.ReadAuthorities(bundle)) chain.ChainPolicy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(authority.Pem));
        return _trusted[(certificate.Thumbprint, bundle)] = chain.Build(certificate) ? chain.ChainElements.Min(static e => e.Certificate.NotAfter.ToUniversalTime()) : DateTime.MinValue;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas) await replica.DisposeAsync();
        Cluster.Dispose();
    }

    /// <summary>What a replica makes of a job: it says how many GPUs it takes a node to have.</summary>
    public static int? Gpus(ConversionWebhook replica)
    {
        var answer = replica.Answer("""{"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "request": {"uid": "1", "desiredAPIVersion": "kubeflow.org/v2beta1", "objects": [{"apiVersion": "kubeflow.org/v1"}]}}"""u8);
        return answer.Failure is null ? (int?)JsonNode.Parse(answer.Body.Span)!["response"]!["convertedObjects"]![0]!["gpus"] : null;
    }

    private static JsonObject Convert(JsonObject job, string apiVersion, ConversionSettings settings) => new() { ["apiVersion"] = apiVersion, ["gpus"] = settings.GpusPerNode };

    private void Judge()
    {
        var now = Cluster.Clock.GetUtcNow();
        var bundle = Definition.Bundle;
        if (_published.Count == 0 || _published[^1].Bundle != bundle) _published.Add((now, bundle));
        var late = _published.LastOrDefault(p => p.From <= now - Lag).Bundle ?? "";
        foreach (var known in new[] { bundle, late }.Where(static b => b.Length > 0))
        {
            for (var i = 0; i < _replicas.Count; i++)
            {
                if (_replicas[i].Certificate is not null && !IsTrusted(_replicas[i], known)) Refusals.Add($"{now:u} replica {i}");
            }
        }
    }

    private static string Version(string name, bool storage) =>
        $$$"""{"name": "{{{name}}}", "served": true, "storage": {{{(storage ? "true" : "false")}}}, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true} } }""";

    private sealed class Said(List<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => lines.Add($"{logLevel}: {formatter(state, exception)}");
    }
}
