using System.Text.Json;

namespace Mpi.Agent.Roles;

/// <summary>The API server, or the node behind it, did not run a command.</summary>
/// <param name="code">HTTP's, from the answer or its <c>Status</c>; 500 where a <c>Status</c> has none.</param>
/// <param name="said">The server's own words.</param>
/// <param name="began">Whether the server had accepted the call before.</param>
internal sealed class ExecException(int code, string said, bool began) : IOException(Explain(code, said))
{
    public int Code { get; } = code;

    /// <summary>Whether the worker's container does not run, or not yet.</summary>
    public bool NotRunning { get; } = IsNotRunning(code, said);

    /// <summary>Whether the same call may succeed in a moment, and the command has certainly not begun.</summary>
    public bool WorthAnotherTry { get; } = (!began && (code == 429 || code >= 500))
        || said.Contains("error dialing backend", StringComparison.Ordinal) || said.Contains("container not found", StringComparison.Ordinal);

    /// <param name="answer">A <c>Status</c> as JSON, or whatever a proxy in between sends.</param>
    public static ExecException Of(int code, ReadOnlyMemory<byte> answer, string otherwise, bool began)
    {
        try
        {
            using var status = JsonDocument.Parse(answer);
            var root = status.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String)
            {
                var own = root.TryGetProperty("code", out var number) && number.TryGetInt32(out var read) ? read : code;
                return new ExecException(own, message.GetString()!, began);
            }
        }
        catch (JsonException)
        {
            // Not the API server's own answer: its status line has to do.
        }

        return new ExecException(code, otherwise, began);
    }

    private static bool IsNotRunning(int code, string said) =>
        code is 400 or 404 || said.Contains("container not found", StringComparison.Ordinal) || said.Contains("not running", StringComparison.Ordinal);

    private static string Explain(int code, string said) => code switch
    {
        401 => $"the API server does not accept the pod's token: {said}",
        403 => $"{said} (the job's launcher Role must allow get and create on pods/exec of this pod)",
        404 => $"its pod is not there: {said}",
        _ when NoShell(said) => $"the worker's image has no {PodCommands.Shell}, which transport exec needs; use transport agent: {said}",
        _ when IsNotRunning(code, said) => $"its container does not run: {said}",
        _ => said,
    };

    private static bool NoShell(string said) =>
        said.Contains(PodCommands.Shell, StringComparison.Ordinal) && (said.Contains("no such file", StringComparison.OrdinalIgnoreCase) || said.Contains("not found", StringComparison.Ordinal));
}
