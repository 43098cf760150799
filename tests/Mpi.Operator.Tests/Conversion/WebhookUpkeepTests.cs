using System.Text.Json.Nodes;
using Kube.Testing;
using Kube.Types;

namespace Mpi.Operator.Tests;

public sealed class WebhookUpkeepTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task From_nothing_a_replica_makes_its_keys_and_leads_the_definition_to_itself()
    {
        await using var world = new WebhookWorld();
        var (webhook, _) = world.Start();
        Assert.Null(webhook.Certificate);
        Assert.NotEmpty(webhook.Obstacles);
        await world.RunAsync();
        Assert.Empty(webhook.Obstacles);
        Assert.True(world.IsTrusted(webhook, world.Definition.Bundle));
        Assert.True(webhook.Certificate!.TargetCertificate.MatchesHostname("mpi-operator-webhook.mpi-operator.svc"));
        Assert.Equal("mpi-operator/mpi-operator-webhook:443/convert", world.Definition.Service);
        Assert.Equal(1, world.Authorities);
    }

    [Fact]
    public async Task Outside_the_cluster_the_definition_names_a_URL_and_the_certificate_its_host()
    {
        await using var world = new WebhookWorld();
        var (webhook, _) = world.Start(url: new Uri("https://127.0.0.1:9443/convert"));
        await world.RunAsync();
        Assert.Equal(("https://127.0.0.1:9443/convert", ""), (world.Definition.Url, world.Definition.Service));
        Assert.True(webhook.Certificate!.TargetCertificate.MatchesHostname("127.0.0.1"));
        Assert.Empty(webhook.Obstacles);
    }

    [Fact]
    public async Task Of_two_replicas_that_start_at_once_one_makes_the_keys_and_both_serve_them()
    {
        await using var world = new WebhookWorld();
        var replicas = new[] { world.Start(), world.Start(), world.Start() };
        await world.RunAsync();
        Assert.Single(replicas.Select(static r => r.Webhook.Certificate!.TargetCertificate.Thumbprint).Distinct());
        Assert.Equal(1, world.Authorities);
        Assert.All(replicas, static r => Assert.Empty(r.Webhook.Obstacles));
        // Nobody goes on writing.
        var (secret, definition) = (world.Secret!.Meta.ResourceVersion, world.Definition.ResourceVersion);
        await world.RunAsync(Day, TimeSpan.FromMinutes(10));
        Assert.Equal((secret, definition), (world.Secret!.Meta.ResourceVersion, world.Definition.ResourceVersion));
        Assert.Empty(world.Refusals);
    }

    [Fact]
    public async Task In_years_of_rotations_no_replica_is_ever_refused_even_by_an_API_server_that_is_minutes_behind()
    {
        await using var world = new WebhookWorld { Lag = TimeSpan.FromMinutes(5) };
        var (a, _) = world.Start();
        var (b, _) = world.Start();
        await world.RunAsync(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(1));
        var (certificates, authorities, most) = (new HashSet<string>(), new HashSet<string>(), 0);
        for (var day = 0; day < 1280; day += 6)
        {
            // A while now and then at a fine pace: what begins is seen through.
            world.Cluster.Clock.Advance((6 * Day) - TimeSpan.FromMinutes(30));
            await world.RunAsync(TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(10));
            certificates.Add(a.Certificate!.TargetCertificate.Thumbprint);
            authorities.UnionWith(WebhookCertificates.ReadAuthorities(world.Keys.Trusted).Select(static k => k.Id));
            most = Math.Max(most, world.Authorities);
            Assert.Equal(a.Certificate!.TargetCertificate.Thumbprint, b.Certificate!.TargetCertificate.Thumbprint);
        }

        Assert.Empty(world.Refusals);
        // One certificate each 60 days, one more where the authority changed, after two years; two are trusted only while it does.
        Assert.InRange(certificates.Count, 20, 25);
        Assert.Equal((2, 1), (authorities.Count, world.Authorities));
        Assert.InRange(most, 1, 2);
    }

    [Fact]
    public async Task A_lost_Secret_is_made_anew_while_the_replicas_go_on_serving()
    {
        await using var world = new WebhookWorld();
        var (a, _) = world.Start();
        var (b, _) = world.Start();
        await world.RunAsync();
        var before = a.Certificate!.TargetCertificate.Thumbprint;
        world.Cluster.Delete(Kinds.Secret, ConversionOptions.SecretName, ns: WebhookWorld.Namespace);
        await world.RunAsync();
        Assert.NotEqual(before, a.Certificate!.TargetCertificate.Thumbprint);
        Assert.Equal(a.Certificate.TargetCertificate.Thumbprint, b.Certificate!.TargetCertificate.Thumbprint);
        // The lost one is trusted for as long as somebody may still serve it, and no longer.
        Assert.Equal(2, world.Authorities);
        await world.RunAsync(TimeSpan.FromMinutes(90), TimeSpan.FromMinutes(1));
        Assert.Equal(1, world.Authorities);
        Assert.Empty(world.Refusals);
    }

    [Theory]
    [InlineData("ca.crt", "bm90IGEgY2VydGlmaWNhdGU=")]
    [InlineData("ca.key", "bm90IGEga2V5")]
    [InlineData("tls.crt", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmFhYWEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=")]
    [InlineData("tls.key", "")]
    [InlineData("tls.crt", null)]
    public async Task A_damaged_Secret_is_repaired_and_nobody_is_refused_meanwhile(string key, string? value)
    {
        await using var world = new WebhookWorld();
        var (webhook, _) = world.Start();
        await world.RunAsync();
        var body = new JsonObject { ["data"] = new JsonObject { [key] = value } };
        world.Cluster.Patch(Kinds.Secret, ConversionOptions.SecretName, body.ToJsonString(), ns: WebhookWorld.Namespace);
        await world.RunAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));
        var facts = CertificateFacts.Of(world.Keys, "mpi-operator-webhook.mpi-operator.svc");
        Assert.NotNull(facts.Signer);
        Assert.Equal(facts.Signer, facts.Serving?.Issuer);
        Assert.Empty(webhook.Obstacles);
        Assert.Empty(world.Refusals);
    }

    [Fact]
    public async Task A_certificate_for_another_host_is_replaced()
    {
        await using var world = new WebhookWorld();
        world.Start(url: new Uri("https://old.example/convert"));
        await world.RunAsync();
        var (moved, _) = world.Start(url: new Uri("https://new.example/convert"));
        // The first one has ended: only the second steps.
        for (var i = 0; i < 100; i++)
        {
            foreach (var loop in moved.Loops) await loop.StepAsync(Token);
            world.Cluster.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.True(moved.Certificate!.TargetCertificate.MatchesHostname("new.example"));
        Assert.Equal("https://new.example/convert", world.Definition.Url);
    }

    [Fact]
    public async Task What_others_did_to_the_definition_is_put_right()
    {
        await using var world = new WebhookWorld();
        var (webhook, _) = world.Start();
        await world.RunAsync();
        world.Cluster.Patch(Kinds.CustomResourceDefinition, ConversionOptions.Definition, """{"spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": null, "service": {"name": "gone"}}}}}}""");
        await world.RunAsync();
        Assert.Empty(webhook.Obstacles);
        Assert.True(world.Definition.LeadsTo(webhook.Options, world.Keys.Trusted));
    }

    [Fact]
    public async Task A_definition_that_asks_for_no_webhook_is_left_alone_and_keeps_nobody_from_being_ready()
    {
        await using var world = new WebhookWorld("None");
        var version = world.Definition.ResourceVersion;
        var (webhook, _) = world.Start();
        await world.RunAsync();
        Assert.Equal(version, world.Definition.ResourceVersion);
        Assert.Empty(webhook.Obstacles);
    }

    [Fact]
    public async Task A_clock_that_jumps_ahead_past_every_end_finds_new_keys_at_once_and_back_again_they_still_serve()
    {
        await using var world = new WebhookWorld();
        var clock = new JumpingClock(world.Cluster.Clock);
        var (webhook, _) = world.Start(clock);
        await world.RunAsync();
        var first = webhook.Certificate!.TargetCertificate.Thumbprint;

        clock.Ahead = TimeSpan.FromDays(10 * 365);
        await world.RunAsync(TimeSpan.FromHours(3), TimeSpan.FromMinutes(1));
        Assert.NotEqual(first, webhook.Certificate!.TargetCertificate.Thumbprint);
        Assert.Empty(webhook.Obstacles);

        clock.Ahead = TimeSpan.FromDays(-400);
        await world.RunAsync(TimeSpan.FromHours(3), TimeSpan.FromMinutes(1));
        Assert.Empty(webhook.Obstacles);
        Assert.True(world.IsTrusted(webhook, world.Definition.Bundle));
        // The API server's clock stood right all the time.
        Assert.Empty(world.Refusals);
    }

    [Fact]
    public async Task Two_replicas_whose_clocks_differ_by_years_come_to_terms()
    {
        await using var world = new WebhookWorld();
        var (right, _) = world.Start();
        var (wrong, _) = world.Start(new JumpingClock(world.Cluster.Clock) { Ahead = TimeSpan.FromDays(5 * 365) });
        await world.RunAsync(TimeSpan.FromHours(3), TimeSpan.FromMinutes(1));
        var version = world.Secret!.Meta.ResourceVersion;
        await world.RunAsync(TimeSpan.FromHours(12), TimeSpan.FromMinutes(1));
        Assert.Equal(version, world.Secret!.Meta.ResourceVersion);
        Assert.Equal(right.Certificate!.TargetCertificate.Thumbprint, wrong.Certificate!.TargetCertificate.Thumbprint);
        Assert.Empty(world.Refusals);
    }

    [Fact]
    public async Task Conflicts_refusals_and_lost_answers_only_delay()
    {
        await using var world = new WebhookWorld();
        var (webhook, requests) = world.Start();
        var spoilt = 0;
        requests.OnRequest = call => call.IsWrite && ++spoilt <= 4 ? (spoilt % 2 == 0 ? Fault.TimeoutAfterLanding() : Fault.Unavailable()) : null;
        await world.RunAsync(TimeSpan.FromMinutes(5), TimeSpan.FromSeconds(1));
        Assert.True(spoilt > 4);
        Assert.Empty(webhook.Obstacles);
        Assert.Empty(world.Refusals);
    }

    [Fact]
    public async Task Keys_stand_in_the_Secret_and_nowhere_else()
    {
        await using var world = new WebhookWorld();
        world.Start();
        await world.RunAsync();
        Assert.DoesNotContain("PRIVATE", world.Keys.Trusted, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", world.Definition.Bundle, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", world.Keys.ToString(), StringComparison.Ordinal);
        Assert.Contains("PRIVATE", world.Keys.Key, StringComparison.Ordinal);
    }

    /// <summary>Wall-clock time that may be wrong; timers and spans go on as they do.</summary>
    private sealed class JumpingClock(TimeProvider inner) : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Ahead;
        public override long TimestampFrequency => inner.TimestampFrequency;
        public override long GetTimestamp() => inner.GetTimestamp();
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
    }
}
