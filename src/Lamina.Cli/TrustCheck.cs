using Lamina.Images;
using Lamina.Reading;

namespace Lamina.Cli;

/// <summary>Makes sure of images and devices before they are used, and says what is wrong with them.</summary>
internal static class TrustCheck
{
    /// <summary>Goes on only if a root hash covers an image and all its devices.</summary>
    /// <exception cref="NoException">It does not.</exception>
    public static void Require(string image, string[] devices, string rootHash, string? hashFile, ProgressLine progress)
    {
        TrustReport report = TrustedImage.Verify(image, devices, VerityArguments.ParseHex(rootHash)!, hashFile, progress);
        progress.Dispose();
        if (!report.Image.IsSound)
        {
            string more = report.Image.FaultCount > 1 ? $"\n... and {Texts.Count(report.Image.FaultCount - 1, "fault")} more" : "";
            throw new NoException(report.Image.Faults[0] + more, "It is not what the root hash says; nothing in it was used.");
        }
        Require(image, report.Devices!);
    }

    /// <summary>Goes on only if devices are the right ones.</summary>
    /// <exception cref="NoException">They are not.</exception>
    public static void Require(string image, DeviceReport report)
    {
        if (report.IsSound)
            return;
        string advice = report.RightOrder is { } order
            ? $"They are the right ones in a wrong order: lamina mount {ShellText.Quote(string.Join('@', [image, .. order]))} DIR"
            : $"Nothing was mounted. See what it was made with: lamina inspect {ShellText.Quote(image)}";
        throw new NoException(string.Join('\n', report.Faults.Select(fault => Describe(image, fault))), advice);
    }

    private static string Describe(string image, DeviceFault fault)
    {
        string what = fault.IsRootHash ? "root hash" : "SHA-256";
        string digests = fault.Expected is null ? "" : $": {what} {fault.Found}, expected {fault.Expected}";
        return fault.Device is null ? $"{image}: {fault.What}"
            : $"{image}: device {fault.Slot}: {fault.Device} {fault.What}{digests}";
    }
}
