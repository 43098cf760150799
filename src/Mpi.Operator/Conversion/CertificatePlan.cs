using System.Collections.Immutable;

namespace Mpi.Operator;

/// <summary>The next thing to do about the webhook's keys. One at a time: each is written, seen by all replicas, and decided upon anew.</summary>
public abstract record CertificatePlan
{
    private CertificatePlan() { }

    /// <summary>Nothing before this time.</summary>
    public sealed record Keep(DateTimeOffset Until) : CertificatePlan;

    /// <summary>Another authority signs from now on.</summary>
    /// <param name="Why">For the log.</param>
    public sealed record AddAuthority(string Why) : CertificatePlan;

    /// <summary>Another certificate, by the authority that signs.</summary>
    /// <param name="Why">For the log.</param>
    public sealed record Issue(string Why) : CertificatePlan;

    /// <summary>Nobody serves what the others signed any more.</summary>
    /// <param name="Kept">The authority that stays.</param>
    public sealed record Retire(Authority Kept) : CertificatePlan;

    /// <summary>An authority is followed by the next one so long before its end; both are trusted for that time.</summary>
    public static readonly TimeSpan AuthorityOverlap = TimeSpan.FromDays(365);

    /// <summary>The webhook's certificate is made anew so long before its end.</summary>
    public static readonly TimeSpan ServingOverlap = TimeSpan.FromDays(30);

    /// <summary>
    /// How long whatever changed is given to reach every API server and every replica: an authority before anything that it signed is served, and a
    /// certificate before what it replaced is no longer trusted. All of them watch, so seconds are the rule.
    /// </summary>
    public static readonly TimeSpan Settling = TimeSpan.FromMinutes(10);

    /// <summary>The whole life of the keys, from none at all. A pure function.</summary>
    /// <param name="published">The authorities that the definition names to the API server.</param>
    public static CertificatePlan Decide(CertificateFacts seen, ImmutableHashSet<string> published, DateTimeOffset now)
    {
        // 1. Without these nothing is served, so they wait for nobody.
        if (seen.Signer is not { } signer) return new AddAuthority(seen.Trusted.IsEmpty ? "there is none yet" : "the key of the one there is cannot be used");
        if (signer.NotAfter <= now) return new AddAuthority("the one there is has expired");
        if (seen.Serving is not { } serving) return new Issue("there is none that can be used");
        if (serving.NotAfter <= now) return new Issue("the one there is has expired");

        // 2. The next authority, long before it is needed.
        if (now >= signer.NotAfter - AuthorityOverlap) return new AddAuthority("the one there is ends within a year");

        // 3. The next certificate, by an authority that every API server has heard of.
        var heard = signer.NotAfter - WebhookCertificates.AuthorityLife + Settling;
        var due = serving.Issuer == signer ? serving.NotAfter - ServingOverlap : heard;
        if (now >= due && now >= heard && published.Contains(signer.Id)) return new Issue(serving.Issuer == signer ? "the one there is ends within a month" : "another authority signs");

        // 4. What is behind all replicas is trusted no more.
        var others = seen.Trusted.Length > 1 && serving.Issuer == signer;
        var served = serving.NotAfter - WebhookCertificates.ServingLife + Settling;
        if (others && now >= served) return new Retire(signer);

        var next = Earlier(signer.NotAfter - AuthorityOverlap, due > now ? due : now + Settling);
        return new Keep(others ? Earlier(next, served) : next);
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
