using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;

namespace Mpi.Operator;

/// <summary>Migrates what is stored in older versions as soon as this replica can convert: a page a step, with a pause between pages, so that it is nobody's load.</summary>
/// <param name="client">Fenced: only the leader writes.</param>
internal sealed partial class StorageMigrationLoop(IKubeClient client, ResourceKind stored, ConversionWebhook webhook, TimeProvider time, Random random, ILogger log) : ITimedLoop
{
    private static readonly TimeSpan PagePause = TimeSpan.FromMilliseconds(200);

    /// <summary>Costs no request: the webhook watches the definition.</summary>
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(2);

    /// <summary>Before objects that could not be rewritten are tried again.</summary>
    private static readonly TimeSpan AgainPause = TimeSpan.FromMinutes(10);

    private static readonly Backoff Backoff = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));

    private readonly StorageMigration _migration = new(client, stored, text => LogProgress(log, text));
    private DateTimeOffset _next = time.GetUtcNow();
    private int _failures;

    public string Name => "storage-migration";

    public DateTimeOffset? NextDue => _next;

    public async ValueTask<bool> StepAsync(CancellationToken cancellation)
    {
        if (time.GetUtcNow() < _next) return false;
        var pause = Glance;
        if (webhook.IsStorageOutdated && !webhook.Obstacles.Any())
        {
            try
            {
                pause = await _migration.StepAsync(cancellation) ? AgainPause : PagePause;
                _failures = 0;
            }
            catch (Exception trouble) when (trouble is ApiException or HttpRequestException or NotLeadingException)
            {
                pause = Backoff.After(++_failures, random);
                LogTrouble(trouble.Message, pause.TotalSeconds);
            }
        }

        _next = time.GetUtcNow() + pause;
        return true;
    }

    public async ValueTask WaitAsync(CancellationToken cancellation)
    {
        if (_next - time.GetUtcNow() is var left && left > TimeSpan.Zero) await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), time, cancellation);
    }

    [LoggerMessage(180, LogLevel.Information, "storage: {Progress}")]
    private static partial void LogProgress(ILogger logger, string progress);

    [LoggerMessage(181, LogLevel.Warning, "storage: {Trouble}; again in {Seconds} s")]
    private partial void LogTrouble(string trouble, double seconds);
}
