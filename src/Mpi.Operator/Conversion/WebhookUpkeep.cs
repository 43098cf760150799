using System.Collections.Immutable;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;

namespace Mpi.Operator;

/// <summary>
/// Keeps the webhook reachable: its keys in one Secret that all replicas share, and the way to it in the definition of MPIJob. Every replica does this,
/// leading or not; whoever comes first writes, and the others take what is there.
/// </summary>
/// <param name="client">Requests through it have a limit in time.</param>
internal sealed partial class WebhookUpkeep(
    ConversionOptions options, IKubeClient client, Store<KubeObject> secrets, Store<DefinitionView> definitions, TimeProvider time, ILogger log)
{
    /// <summary>A Secret that is there needs three steps at most: an authority, a certificate, and a retirement.</summary>
    private const int StepsMax = 4;

    /// <summary>Looked at this often though nothing has changed, because clocks may.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromHours(1);

    private volatile Served? _served;

    /// <param name="Pem">By which it is told from the next.</param>
    /// <param name="Issuer">The authority that signed it.</param>
    private sealed record Served(string Pem, string Issuer, SslStreamCertificateContext Context);

    /// <summary>What the webhook answers with; null before there is one.</summary>
    public SslStreamCertificateContext? Certificate => _served?.Context;

    /// <summary>What keeps API servers from being answered; null when nothing does.</summary>
    public string? Obstacle
    {
        get
        {
            if (_served is not { } served) return $"the webhook has no certificate yet (Secret {options.Namespace}/{ConversionOptions.SecretName})";
            if (Definition is not { UsesWebhook: true } definition) return null;
            return Published(definition).Contains(served.Issuer) ? null : $"the definition {ConversionOptions.Definition} does not name the webhook's authority yet";
        }
    }

    /// <summary>Null where there is none.</summary>
    public DefinitionView? Definition => definitions.Find(new ObjectKey("", ConversionOptions.Definition));

    /// <summary>One look at all of it.</summary>
    public async ValueTask<Outcome> ReconcileAsync(CancellationToken cancellation)
    {
        var definition = Definition;
        var published = Published(definition);

        // 1. The keys, step by step until there is nothing to do about them.
        var secret = secrets.Find(new ObjectKey(options.Namespace, ConversionOptions.SecretName));
        var (keys, facts) = Look(secret);
        var until = time.GetUtcNow() + Glance;
        for (var step = 0; step < StepsMax; step++)
        {
            var plan = CertificatePlan.Decide(facts, published, time.GetUtcNow());
            if (plan is CertificatePlan.Keep keep)
            {
                if (keep.Until < until) until = keep.Until;
                break;
            }

            var made = Carry(plan, keys, facts, definition).Into(secret, options.Namespace);
            secret = secret is null ? await client.CreateAsync(Kinds.Secret, made, cancellation) : await client.UpdateAsync(Kinds.Secret, made, null, cancellation);
            Report(plan);
            (keys, facts) = Look(secret);
        }

        // 2. What is served. While API servers trust what is, and not yet what is to be, it stays.
        Serve(keys, facts, published);

        // 3. The way to it. A definition that asks for no webhook is somebody's wish: he has uninstalled it, or never installed it.
        if (definition is null || facts.Signer is null) return new Outcome.Requeue(Glance);
        if (!definition.UsesWebhook)
        {
            if (definition.Served.Length > 1) LogUnconverted(ConversionOptions.Definition, string.Join(", ", definition.Served));
        }
        else if (!definition.LeadsTo(options, keys.Trusted))
        {
            await client.PatchAsync(Kinds.CustomResourceDefinition, null, ConversionOptions.Definition, definition.Lead(options, keys.Trusted), null, cancellation);
            LogLed(ConversionOptions.Definition, facts.Trusted.Length);
        }

        return new Outcome.Requeue(until - time.GetUtcNow());
    }

    private (WebhookKeys Keys, CertificateFacts Facts) Look(KubeObject? secret)
    {
        var keys = secret is null ? WebhookKeys.None : WebhookKeys.Read(secret);
        return (keys, CertificateFacts.Of(keys, options.Host));
    }

    private WebhookKeys Carry(CertificatePlan plan, WebhookKeys keys, CertificateFacts facts, DefinitionView? definition)
    {
        switch (plan)
        {
            case CertificatePlan.AddAuthority:
                // What a lost Secret held is in the memory of replicas, who go on serving it until the definition names its successor.
                var known = definition is null ? [] : WebhookCertificates.ReadAuthorities(definition.Bundle).ExceptBy(facts.Trusted.Select(static a => a.Id), static a => a.Id);
                return WebhookCertificates.AddAuthority(keys, [.. known, .. facts.Trusted], time.GetUtcNow());
            case CertificatePlan.Issue:
                return WebhookCertificates.Issue(keys, facts.Signer!, options, time.GetUtcNow());
            case CertificatePlan.Retire { Kept: var kept }:
                return keys with { Trusted = WebhookCertificates.Join([kept.Pem]) };
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private void Report(CertificatePlan plan)
    {
        if (plan is CertificatePlan.AddAuthority made) LogAuthority(made.Why);
        else if (plan is CertificatePlan.Issue issued) LogCertificate(options.Host, issued.Why);
        else LogRetired();
    }

    private void Serve(WebhookKeys keys, CertificateFacts facts, ImmutableHashSet<string> published)
    {
        if (facts.Serving is not { } offered || offered.NotAfter <= time.GetUtcNow() || _served?.Pem == keys.Certificate) return;
        if (_served is { } served && published.Contains(served.Issuer) && !published.Contains(offered.Issuer.Id)) return;
        // Offline: there is no chain to fetch. The old one is left to the collector, since handshakes may still be using it.
        _served = new Served(keys.Certificate, offered.Issuer.Id, SslStreamCertificateContext.Create(X509Certificate2.CreateFromPem(keys.Certificate, keys.Key), null, offline: true));
        LogServed(offered.NotAfter);
    }

    private static ImmutableHashSet<string> Published(DefinitionView? definition) =>
        definition is not { UsesWebhook: true } ? [] : [.. WebhookCertificates.ReadAuthorities(definition.Bundle).Select(static a => a.Id)];

    [LoggerMessage(150, LogLevel.Information, "webhook: made an authority: {Why}")]
    private partial void LogAuthority(string why);

    [LoggerMessage(151, LogLevel.Information, "webhook: made a certificate for {Host}: {Why}")]
    private partial void LogCertificate(string host, string why);

    [LoggerMessage(152, LogLevel.Information, "webhook: only the newest authority is trusted from now on, since nobody serves what the others signed")]
    private partial void LogRetired();

    [LoggerMessage(153, LogLevel.Information, "webhook: serving a certificate that lasts until {NotAfter:u}")]
    private partial void LogServed(DateTimeOffset notAfter);

    [LoggerMessage(154, LogLevel.Information, "webhook: led {Definition} to it, trusting {Count} authorities")]
    private partial void LogLed(string definition, int count);

    [LoggerMessage(155, LogLevel.Error, "{Definition} serves {Versions} and converts nothing between them: apply deploy/crd/legacy/mpijobs.yaml again, or run this operator with --profile=v2beta1 beside deploy/crd/mpijobs.yaml")]
    private partial void LogUnconverted(string definition, string versions);
}
