using System.Text.Json;
using Kube.Types;

namespace Kube.Nodes.Linux;

/// <summary>Runs one <c>core/v1 LifecycleHandler</c>: a command in the container, a request to it, or a sleep.</summary>
internal static class LifecycleHook
{
    /// <returns>Null when the hook succeeded, otherwise what went wrong.</returns>
    /// <param name="limit">Ends the hook as failed.</param>
    public static async Task<string?> RunAsync(JsonElement handler, ContainerView container, RunningContainer running, NodeContext node, TimeSpan limit, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(limit, node.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            if (handler.Has("exec"))
            {
                var result = await running.ExecAsync(handler.Words("exec", "command"), limit, node.Time, cancellation);
                return result.ExitCode == 0 ? null : $"exited with {result.ExitCode}: {result.Output.Trim()}";
            }

            if (handler.Has("sleep"))
            {
                await Task.Delay(TimeSpan.FromSeconds(handler.Integer("sleep", "seconds") ?? 0), node.Time, either.Token);
                return null;
            }

            if (handler.Has("httpGet"))
            {
                // Any answer will do: the hook tells the container something and asks it nothing.
                using var answer = await node.Probes.GetAsync(HttpTarget.Read(handler.At("httpGet"), container, running.Pod.Address, portOtherwise: 80), either.Token);
                return null;
            }

            return "invalid handler: neither exec, nor httpGet, nor sleep";
        }
        catch (OperationCanceledException)
        {
            return "did not end in time";
        }
        catch (Exception failed) when (failed is HttpRequestException or FormatException or SandboxException)
        {
            return failed.Message;
        }
    }
}
