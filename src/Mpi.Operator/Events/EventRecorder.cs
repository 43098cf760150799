using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Client;
using Kube.Types;
using Microsoft.Extensions.Logging;
using Mpi.Planning;

namespace Mpi.Operator;

/// <summary>
/// Writes core/v1 Events about jobs. The same news again raises the count of the Event that is there. An Event that cannot
/// be written is logged and dropped: nothing depends on it. Not thread-safe for one job; jobs do not share an entry.
/// </summary>
public sealed partial class EventRecorder(IKubeWriter client, TimeProvider time, Random random, ILogger log)
{
    /// <summary>The name under which the old operator spoke, and on which users filter (spec/kubeflow-mpijob.md 2.7).</summary>
    public const string Component = "mpi-job-controller";

    /// <summary>Longest message that the API accepts.</summary>
    private const int MessageLimit = 1024;

    // Beyond this many different pieces of news the oldest start a new Event when they recur.
    private readonly RecentlyUsed<(string Uid, string Type, string Reason, string Message), Written> _written = new(4096);

    private sealed record Written(string Name, int Count);

    public async Task RecordAsync(KubeObject about, PlanEvent news, CancellationToken cancellation)
    {
        var message = Cut(news.Message);
        var now = time.GetUtcNow();
        var key = (about.Meta.Uid, news.Type, news.Reason, message);
        try
        {
            if (_written.TryGet(key, out var earlier) && await CountAsync(about, earlier, now, cancellation))
            {
                _written.Set(key, earlier with { Count = earlier.Count + 1 });
                return;
            }

            var name = EventName(about.Meta.Name, random.NextInt64());
            await client.CreateAsync(Kinds.Event, Compose(about, news.Type, news.Reason, message, name, now), cancellation);
            _written.Set(key, new Written(name, 1));
        }
        catch (Exception trouble) when (trouble is ApiException or HttpRequestException or IOException)
        {
            LogDropped(about.Meta.Key.ToString(), news.Reason, trouble.Message);
        }
    }

    /// <summary>False when the Event is gone (the API server drops Events after an hour).</summary>
    private async Task<bool> CountAsync(KubeObject about, Written earlier, DateTimeOffset now, CancellationToken cancellation)
    {
        try
        {
            var patch = new JsonObject { ["count"] = earlier.Count + 1, ["lastTimestamp"] = KubeTime.Format(now) };
            await client.PatchAsync(Kinds.Event, about.Meta.Namespace, earlier.Name, Patch.Merge(patch), null, cancellation);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private static KubeObject Compose(KubeObject about, string type, string reason, string message, string name, DateTimeOffset now) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.Event.ApiVersion,
        ["kind"] = Kinds.Event.Kind,
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = about.Meta.Namespace },
        ["involvedObject"] = new JsonObject
        {
            ["apiVersion"] = about.ApiVersion,
            ["kind"] = about.Kind,
            ["namespace"] = about.Meta.Namespace,
            ["name"] = about.Meta.Name,
            ["uid"] = about.Meta.Uid,
            ["resourceVersion"] = about.Meta.ResourceVersion,
        },
        ["type"] = type,
        ["reason"] = reason,
        ["message"] = message,
        ["source"] = new JsonObject { ["component"] = Component },
        ["reportingComponent"] = Component,
        ["reportingInstance"] = "",
        ["firstTimestamp"] = KubeTime.Format(now),
        ["lastTimestamp"] = KubeTime.Format(now),
        ["count"] = 1,
    });

    /// <summary><c>job.16 hexadecimal digits</c>, client-go's form, within the 253 characters of a name.</summary>
    private static string EventName(string job, long number)
    {
        var suffix = "." + number.ToString("x16", CultureInfo.InvariantCulture);
        return job[..Math.Min(job.Length, 253 - suffix.Length)] + suffix;
    }

    private static string Cut(string message) => message.Length <= MessageLimit ? message : string.Concat(message.AsSpan(0, MessageLimit - 3), "...");

    [LoggerMessage(120, LogLevel.Warning, "event {Reason} about {Job} was not written: {Trouble}")]
    private partial void LogDropped(string job, string reason, string trouble);
}
