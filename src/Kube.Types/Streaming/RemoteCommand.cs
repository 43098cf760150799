using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Kube.Types;

/// <summary>
/// The protocol of exec and attach over WebSocket (KEP-4006, <c>k8s.io/apimachinery/pkg/util/remotecommand</c>): each message
/// is one byte that names a channel and then the channel's bytes.
/// </summary>
public static class RemoteCommand
{
    public const byte Input = 0;
    public const byte Output = 1;
    public const byte Error = 2;

    /// <summary>Carries one <c>Status</c>, at the end: how the command ended.</summary>
    public const byte Result = 3;

    /// <summary>Carries the terminal's size: <c>{"Width":80,"Height":24}</c>.</summary>
    public const byte Resize = 4;

    /// <summary>Its one byte names the channel that ends here. Only <see cref="V5"/> has it, and so only there the input can end.</summary>
    public const byte Close = 255;

    public const string V5 = "v5.channel.k8s.io";
    public const string V4 = "v4.channel.k8s.io";

    /// <summary>The reason of a result that is an exit code other than zero.</summary>
    public const string NonZeroExitCode = "NonZeroExitCode";

    private const string ExitCodeCause = "ExitCode";

    /// <summary>The result of a command that ended with an exit code.</summary>
    public static JsonObject ResultOf(int exitCode)
    {
        if (exitCode == 0) return new JsonObject { ["metadata"] = new JsonObject(), ["status"] = "Success" };
        var code = exitCode.ToString(CultureInfo.InvariantCulture);
        return new JsonObject
        {
            ["metadata"] = new JsonObject(),
            ["status"] = "Failure",
            ["message"] = $"command terminated with non-zero exit code: exit status {code}",
            ["reason"] = NonZeroExitCode,
            ["details"] = new JsonObject { ["causes"] = new JsonArray((JsonNode)new JsonObject { ["reason"] = ExitCodeCause, ["message"] = code }) },
        };
    }

    /// <summary>The exit code in a failed result; null when the command did not come so far as to have one.</summary>
    public static int? ExitCodeOf(string reason, ImmutableArray<ApiStatusCause> causes) =>
        reason == NonZeroExitCode && causes.FirstOrDefault(static c => c.Reason == ExitCodeCause) is { } cause && int.TryParse(cause.Message, CultureInfo.InvariantCulture, out var code) ? code : null;
}
